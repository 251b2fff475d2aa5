package row

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const (
	oidText  = 25
	oidJSONB = 3802
)

func TestValues(t *testing.T) {
	for _, c := range []struct {
		oid        uint32
		text, want string
	}{
		{oidText, "a\"b\\c/\n\r\t\b\f\x01\x1f\x7fü😀\u2028", `"a\"b\\c/\n\r\t\b\f\u0001\u001f` + "\x7fü😀\u2028\""},
		{oidText, "", `""`}, {oidText, "null", `"null"`}, {oidJSONB, `{"a": 1}`, `"{\"a\": 1}"`},
		{oidInt8, "-9223372036854775808", "-9223372036854775808"}, {oidInt4, "7", "7"},
		{oidBool, "t", "1"}, {oidBool, "f", "0"},
		{oidFloat8, "1", "1.0"}, {oidFloat8, "-0", "0.0"}, {oidFloat8, "0", "0.0"}, {oidFloat8, "0.1", "0.1"},
		{oidFloat8, "1e+21", "1e+21"}, {oidFloat8, "5e-324", "5e-324"}, {oidFloat8, "1e-05", "0.00001"}, {oidFloat8, "1e-07", "1e-7"},
		{oidFloat8, "1.7976931348623157e+308", "1.7976931348623157e+308"}, {oidFloat8, "123456789012345680000", "123456789012345680000.0"},
		{oidFloat8, "NaN", "NaN"}, {oidFloat8, "-Infinity", "-Infinity"},
		{oidTimestamptz, "2026-01-01 00:01:00+00", `"2026-01-01T00:01:00.000000Z"`},
		{oidTimestamptz, "2026-02-01 00:00:01.001001+00", `"2026-02-01T00:00:01.001001Z"`},
		{oidTimestamptz, "infinity", `"9999-12-31T23:59:59.000000Z"`}, {oidTimestamptz, "-infinity", `"0000-01-01T00:00:00.000000Z"`},
		{oidTimestamptz, "10000-01-01 00:00:00+00", "null"}, {oidTimestamptz, "0044-03-15 00:00:00+00 BC", "null"},
		{oidBytea, `\x00ff`, `"AP8="`}, {1700, "3.00", `"3.00"`},
	} {
		got := AppendDocument(nil, []Column{{"a", c.oid}}, []Value{{Text, []byte(c.text)}}, []int{0})
		if want := `{"a":` + c.want + `}`; string(got) != want {
			t.Errorf("%d %q: got %s, want %s", c.oid, c.text, got, want)
		}
	}
	got := AppendDocument([]byte("x"), []Column{{"a", oidText}, {"b", oidText}, {"c", oidText}}, []Value{{}, {Kind: Unchanged}, {JSON, []byte(`"j"`)}}, []int{2, 0, 1})
	if string(got) != `x{"c":"j","a":null,"b":null}` {
		t.Errorf("got %s", got)
	}
}

// Strings come out as encoding/json writes them, but for what it escapes without need.
func FuzzString(f *testing.F) {
	f.Add("a\"b\\\u2028<&>\x00\x7f")
	f.Fuzz(func(t *testing.T, text string) {
		var back string
		if err := json.Unmarshal(AppendString(nil, strings.ToValidUTF8(text, "?")), &back); err != nil || back != strings.ToValidUTF8(text, "?") {
			t.Errorf("%q became %q (%v)", text, back, err)
		}
	})
}

func FuzzMember(f *testing.F) {
	f.Add("a", `x"\`, "b", `{"a":1,"b":"c"}`)
	f.Fuzz(func(t *testing.T, a, va, b, vb string) {
		if a == b {
			return
		}
		document := string(AppendDocument(nil, []Column{{a, oidText}, {"n", oidFloat8}, {b, oidText}},
			[]Value{{Text, []byte(va)}, {Text, []byte("NaN")}, {Text, []byte(vb)}}, []int{0, 1, 2}))
		for name, want := range map[string]string{a: va, b: vb} {
			if name == "n" {
				continue
			}
			if got := Member(document, name); string(got) != string(AppendString(nil, want)) {
				t.Errorf("%s of %s is %s", name, document, got)
			}
		}
		if Member(document, a+b+"?") != nil {
			t.Error("found what is not there")
		}
	})
}

func TestGet(t *testing.T) {
	for _, c := range []struct {
		value Value
		text  string
		set   bool
	}{
		{Value{}, "", false}, {Value{Text, []byte("x")}, "x", true}, {Value{Text, nil}, "", true},
		{Value{JSON, []byte(`"a\"b"`)}, `a"b`, true}, {Value{JSON, []byte("null")}, "", false}, {Value{JSON, []byte("12")}, "12", true},
	} {
		if text, set := c.value.Get(); text != c.text || set != c.set {
			t.Errorf("%+v: got %q, %t", c.value, text, set)
		}
	}
}

// Checksums are those that a PowerSync Service computed: every document of a recording.
func TestChecksums(t *testing.T) {
	text, err := os.ReadFile("../testdata/recordings/02-initial-sync/lines.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, one := range strings.Split(string(text), "\n") {
		var line struct {
			Data struct {
				Data []struct {
					Op, Data   string
					ObjectType string `json:"object_type"`
					ObjectID   string `json:"object_id"`
					Checksum   uint32
				}
			}
		}
		_ = json.Unmarshal([]byte(one), &line) // the last is empty
		for _, o := range line.Data.Data {
			checked++
			if got := PutChecksum(o.ObjectType, o.ObjectID, o.Data); got != o.Checksum {
				t.Errorf("row %s: %d, want %d", o.ObjectID, got, o.Checksum)
			}
		}
	}
	if checked < 300 || RemoveChecksum("t", "i") == RemoveChecksum("t", "j") {
		t.Errorf("%d checked", checked)
	}
}
