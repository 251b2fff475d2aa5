package rules

import (
	"slices"
	"strings"
	"testing"
)

func valid() Definition {
	return Definition{
		Tables:  []Table{{"notes", []string{"id", "text"}}},
		Lookups: []Lookup{{Name: "access", Table: "access", Who: []string{"user"}, Claims: []string{"sub"}, Key: []string{"project"}, Where: []Condition{{"gone", Null, ""}}}},
		Streams: []Stream{
			{Name: "own", Claims: []string{"tenant", "sub"}, Sources: []Source{{"notes", []Condition{{"project", Null, ""}}, []string{"tenant", "user"}}}},
			{Name: "shared", Lookup: "access", Sources: []Source{{"notes", []Condition{{"kind", Equal, "a"}, {"user", NotNull, ""}}, []string{"project"}}}},
		},
	}
}

func row(columns []string, values map[string]string) Value {
	return func(i int) (string, bool) { v, ok := values[columns[i]]; return v, ok }
}

func TestBuckets(t *testing.T) {
	columns := []string{"id", "tenant", "user", "project", "kind", "text"}
	m, err := valid().Matcher("notes", columns)
	if err != nil || !m.Streamed() || m.ID != 0 || !slices.Equal(m.Document, []int{0, 5}) {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, c := range []struct {
		row  map[string]string
		want string
	}{
		{map[string]string{"tenant": "t", "user": "u"}, `own["t","u"]`},
		{map[string]string{"tenant": "t"}, ""},
		{map[string]string{"user": "u", "project": "p", "kind": "a"}, `shared["p"]`},
		{map[string]string{"user": "u", "project": "p", "kind": "b"}, ""},
		{map[string]string{"project": "p", "kind": "a"}, ""},
		{map[string]string{"tenant": `a","b`, "user": "c"}, `own["a\",\"b","c"]`},
	} {
		if got := strings.Join(m.Buckets(row(columns, c.row)), " "); got != c.want {
			t.Errorf("%v: got %s, want %s", c.row, got, c.want)
		}
	}
	if _, err := valid().Matcher("notes", columns[:3]); err == nil {
		t.Error("a column is missing, and nobody says so")
	}
}

func TestGrantsAndWhatIsVisible(t *testing.T) {
	d, columns := valid(), []string{"user", "project", "gone"}
	m, err := d.Matcher("access", columns)
	if err != nil || m.Streamed() || !slices.Equal(m.Lookups(), []string{"access"}) {
		t.Fatal(err)
	}
	if got := m.Grants(row(columns, map[string]string{"user": "u", "project": "p"})); len(got) != 1 || got[0] != (Grant{"access", `["u"]`, `["p"]`}) {
		t.Errorf("got %v", got)
	}
	if got := m.Grants(row(columns, map[string]string{"user": "u", "project": "p", "gone": "yes"})); got != nil {
		t.Errorf("got %v", got)
	}
	claims := map[string]string{"sub": "u", "tenant": "t"}
	if who := d.Who(claims); who["access"] != `["u"]` || len(d.Who(nil)) != 0 {
		t.Errorf("got %v", who)
	}
	granted := map[string][]string{"access": {`["p"]`, `["q"]`}}
	var got []string
	for _, v := range d.Visible([]int{0, 1}, claims, granted) {
		got = append(got, v.Bucket)
	}
	if strings.Join(got, " ") != `own["t","u"] shared["p"] shared["q"]` {
		t.Errorf("got %q", got)
	}
	if got := d.Visible([]int{0}, map[string]string{"sub": "u"}, granted); got != nil {
		t.Errorf("without a tenant: %v", got)
	}
}

func TestValidate(t *testing.T) {
	if err := valid().Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Definition){
		"twice":        func(d *Definition) { d.Streams[1].Name = "own" },
		"no name":      func(d *Definition) { d.Streams[0].Name = "" },
		"priority":     func(d *Definition) { d.Streams[0].Priority = 4 },
		"no lookup":    func(d *Definition) { d.Streams[1].Lookup = "other" },
		"both":         func(d *Definition) { d.Streams[1].Claims = []string{"sub"} },
		"key":          func(d *Definition) { d.Streams[0].Sources[0].Key = []string{"user"} },
		"no key":       func(d *Definition) { d.Streams[0].Claims, d.Streams[0].Sources[0].Key = nil, nil },
		"who":          func(d *Definition) { d.Lookups[0].Who = nil },
		"lookup's key": func(d *Definition) { d.Lookups[0].Key = nil },
	} {
		d := valid()
		if spoil(&d); d.Validate() == nil {
			t.Errorf("%s passed", name)
		}
	}
}

func TestHashAndTables(t *testing.T) {
	one, other := valid(), valid()
	if !slices.Equal(one.Hash(), other.Hash()) || !slices.Equal(one.TableNames(), []string{"access", "notes"}) {
		t.Error("the same definition looks different")
	}
	other.Streams[0].Priority++
	if slices.Equal(one.Hash(), other.Hash()) {
		t.Error("another definition looks the same")
	}
}
