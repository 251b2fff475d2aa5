package powersync_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/stream"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/config/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

func TestSyncStreamsAreGenerated(t *testing.T) {
	if !bytes.Equal(powersync.SyncStreams, powersync.Generate()) {
		t.Error(`sync-streams.yaml is not what config/schema makes of it: run "go generate ./config/powersync"`)
	}
}

// TestBucketsOfRowsAndPeople holds what the service makes of sync-streams.yaml against the oracle below and against the
// rules of the built-in stream.
func TestBucketsOfRowsAndPeople(t *testing.T) {
	q := world(string(powersync.SyncStreams))
	got := evaluate(t, question{Streams: &q}).Streams
	for _, problem := range wrong(q, got.Errors, got.Rows, got.People) {
		t.Error(problem)
	}
	want := []string{"app.access", "app.decisions", "app.error_solutions", "app.messages", "app.projects", "app.sessions", "app.skill_learnings"}
	if !slices.Equal(got.SourceTables, want) {
		t.Errorf("it reads %q, want %q", got.SourceTables, want)
	}
	builtIn(t, q)
}

// TestMistakesAreFound spoils the file in ways that would lose rows or show them to strangers.
func TestMistakesAreFound(t *testing.T) {
	const tenant, text = "tenant_id = auth.parameter('tenant_id') AND ", "\n        WHERE "
	good := string(powersync.SyncStreams)
	for what, spoilt := range map[string]string{
		"rows of all tenants in a project": strings.ReplaceAll(good, text+tenant+"project_id", text+"project_id"),
		"rows of all tenants of a person":  strings.ReplaceAll(good, text+tenant+"user_id", text+"user_id"),
		"access of all tenants":            strings.ReplaceAll(good, "FROM app.access WHERE "+tenant, "FROM app.access WHERE "),
		"access of all people":             strings.ReplaceAll(good, " AND user_id = auth.user_id()\n    queries", "\n    queries"),
		"a person's rows of projects too":  strings.ReplaceAll(good, " AND project_id IS NULL", ""),
		"what the client says of itself":   strings.ReplaceAll(good, "auth.parameter(", "connection.parameter("),
		"a column that is not there":       strings.Replace(good, "rationale", "rational", 1),
		"a column more":                    strings.Replace(good, "rationale", "rationale, tenant_id", 1),
		"an alias":                         strings.Replace(good, "FROM app.messages\n", "FROM app.messages AS m\n", 1),
		"a table less":                     strings.Replace(good, "FROM app.error_solutions", "FROM app.skill_learnings", 1),
		"not by itself":                    strings.Replace(good, "auto_subscribe: true", "auto_subscribe: false", 1),
		"another priority":                 strings.Replace(good, "priority: 1", "priority: 2", 1),
	} {
		q := world(spoilt)
		got := evaluate(t, question{Streams: &q}).Streams
		if spoilt == good || len(wrong(q, got.Errors, got.Rows, got.People)) == 0 {
			t.Errorf("%s: nobody noticed", what)
		}
	}
}

// partOf is the oracle's list of what is sent together.
var partOf = map[string]string{
	"decisions": "knowledge", "skill_learnings": "knowledge", "error_solutions": "knowledge",
	"projects": "work", "sessions": "work", "messages": "messages",
}

var priorityOf = map[string]int{"knowledge": 1, "work": 2, "messages": 3}

// world is one of everything that matters: people of two tenants with the same ids, projects with the same ids, names that
// look like a key's end.
func world(text string) streamsQuestion {
	q := streamsQuestion{
		Text: text,
		Access: []columns{
			access("acme", "ann", "p1"), access("acme", "ann", "p2"), access("acme", "bob", "p1"),
			access("rival", "ann", "p1"), access("rival", "eve", "p3"), access("acme", `x","y`, `q"]`),
		},
		Claims: []columns{
			{"tenant_id": "acme", "sub": "ann"}, {"tenant_id": "acme", "sub": "bob"}, {"tenant_id": "acme", "sub": "new"},
			{"tenant_id": "rival", "sub": "ann"}, {"tenant_id": "rival", "sub": "eve", "project_id": "p1"},
			{"tenant_id": "acme", "sub": `x","y`}, {"sub": "ann"}, {"tenant_id": nil, "sub": "ann"}, {"tenant_id": "acme"},
		},
		Parameters: map[string]any{"tenant_id": "acme", "user_id": "ann", "sub": "ann", "project_id": "p1"},
	}
	for _, table := range schema.Tables() {
		q.Tables = append(q.Tables, sourceOf(table))
		for i, owner := range [][2]string{{"acme", "ann"}, {"acme", "bob"}, {"rival", "ann"}, {"acme", `x","y`}} {
			for j, project := range []any{nil, "p1", "p2", `q"]`} {
				q.Rows = append(q.Rows, sample{table.Name, rowOf(table, fmt.Sprintf("r%d-%d", i, j), owner, project)})
			}
		}
	}
	q.Tables = append(q.Tables, sourceTable{"access", []sourceColumn{{"tenant_id", "text"}, {"user_id", "text"}, {"project_id", "text"}, {"can_write", "integer"}}})
	return q
}

func access(tenant, user, project string) columns {
	return columns{"tenant_id": tenant, "user_id": user, "project_id": project}
}

// sourceOf is the table in PostgreSQL: the columns of its clients, and those that the server keeps beside them.
func sourceOf(table schema.Table) sourceTable {
	source := sourceTable{Name: table.Name, Columns: []sourceColumn{{"tenant_id", "text"}, {"hlc", "text"}, {"cv", "text"}}}
	for _, c := range table.Columns {
		source.Columns = append(source.Columns, sourceColumn{c.Name, strings.ToLower(string(c.Type))})
	}
	return source
}

func rowOf(table schema.Table, id string, owner [2]string, project any) columns {
	row := columns{"tenant_id": owner[0], "hlc": "1", "cv": "{}"}
	for _, c := range table.Columns {
		row[c.Name] = "a value"
	}
	row["id"], row["user_id"] = id, owner[1]
	if _, shared := row["project_id"]; shared {
		row["project_id"] = project
	}
	return row
}

// wantedBucket is the oracle for a row: it is in exactly one bucket.
func wantedBucket(s sample) string {
	tenant, part := s.Row["tenant_id"].(string), partOf[s.Table]
	if s.Table == "projects" {
		return bucket("project_work", tenant, s.Row["id"].(string))
	}
	if project, ok := s.Row["project_id"].(string); ok {
		return bucket("project_"+part, tenant, project)
	}
	return bucket("own_"+part, tenant, s.Row["user_id"].(string))
}

// wantedFor is the oracle for a person: sorted, each with its priority.
func wantedFor(q streamsQuestion, claims columns) []string {
	tenant, signed := claims["tenant_id"].(string)
	user, named := claims["sub"].(string)
	if !signed || !named {
		return nil
	}
	var all []string
	for part, priority := range priorityOf {
		all = append(all, fmt.Sprintf("%d %s", priority, bucket("own_"+part, tenant, user)))
		for _, a := range q.Access {
			if a["tenant_id"] == tenant && a["user_id"] == user {
				all = append(all, fmt.Sprintf("%d %s", priority, bucket("project_"+part, tenant, a["project_id"].(string))))
			}
		}
	}
	slices.Sort(all)
	return all
}

// wrong are the differences between what the service says and the oracle.
func wrong(q streamsQuestion, errors []string, rows [][]operation, people []person) (all []string) {
	if len(errors) > 0 || len(rows) != len(q.Rows) || len(people) != len(q.Claims) {
		return append(errors, fmt.Sprintf("%d rows and %d people", len(rows), len(people)))
	}
	sent := map[string][]string{}
	for _, table := range schema.Tables() {
		for _, c := range table.Columns {
			sent[table.Name] = append(sent[table.Name], c.Name)
		}
	}
	for i, s := range q.Rows {
		want := []operation{{wantedBucket(s), s.Table, s.Row["id"].(string), sent[s.Table]}}
		got := slices.Clone(rows[i])
		for j := range got {
			got[j].Bucket = plain(got[j].Bucket)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			all = append(all, fmt.Sprintf("%v: got %v, want %v", s, got, want))
		}
	}
	for i, claims := range q.Claims {
		got := slices.Clone(people[i].Errors)
		for _, b := range people[i].Buckets {
			got = append(got, fmt.Sprintf("%d %s", b.Priority, plain(b.Bucket)))
		}
		slices.Sort(got)
		if want := wantedFor(q, claims); !slices.Equal(got, want) {
			all = append(all, fmt.Sprintf("%v: got %q, want %q", claims, got, want))
		}
	}
	return all
}

func bucket(name string, key ...string) string { return fmt.Sprintf("%s%q", name, key) }

// plain is a bucket of the service, whose names are project_work|0["tenant","project"], or of the built-in stream, whose
// names have no number, as bucket writes it. A number other than 0 is a second bucket of the same stream and stays.
func plain(name string) string {
	before, after, _ := strings.Cut(name, "[")
	var key []string
	if err := json.Unmarshal([]byte("["+after), &key); err != nil {
		return name
	}
	return bucket(strings.TrimSuffix(before, "|0"), key...)
}

// builtIn holds the rules of the built-in stream against the same oracle.
func builtIn(t *testing.T, q streamsQuestion) {
	t.Helper()
	memory := stream.Memory()
	for _, s := range q.Rows {
		if got := rowBuckets(t, memory, s); len(got) != 1 || plain(got[0]) != wantedBucket(s) {
			t.Errorf("the built-in stream puts %v into %q, want %q", s, got, wantedBucket(s))
		}
	}
	for _, claims := range q.Claims {
		if got := builtInFor(t, memory, q, claims); !slices.Equal(got, wantedFor(q, claims)) {
			t.Errorf("the built-in stream gives %v %q, want %q", claims, got, wantedFor(q, claims))
		}
	}
}

func rowBuckets(t *testing.T, d rules.Definition, s sample) []string {
	t.Helper()
	m, value := matcher(t, d, s)
	return m.Buckets(value)
}

func matcher(t *testing.T, d rules.Definition, s sample) (*rules.Matcher, rules.Value) {
	t.Helper()
	var names []string
	for name := range s.Row {
		names = append(names, name)
	}
	m, err := d.Matcher(s.Table, names)
	if err != nil {
		t.Fatal(err)
	}
	return m, func(i int) (string, bool) { v, ok := s.Row[names[i]].(string); return v, ok }
}

func builtInFor(t *testing.T, d rules.Definition, q streamsQuestion, claims columns) []string {
	t.Helper()
	texts := map[string]string{}
	for name, value := range claims {
		if text, ok := value.(string); ok {
			texts[name] = text
		}
	}
	who, granted := d.Who(texts), map[string][]string{}
	for _, row := range q.Access {
		m, value := matcher(t, d, sample{"access", row})
		for _, g := range m.Grants(value) {
			if w, ok := who[g.Lookup]; ok && w == g.Who {
				granted[g.Lookup] = append(granted[g.Lookup], g.Key)
			}
		}
	}
	streams := make([]int, len(d.Streams))
	for i := range streams {
		streams[i] = i
	}
	var all []string
	for _, v := range d.Visible(streams, texts, granted) {
		all = append(all, fmt.Sprintf("%d %s", d.Streams[v.Stream].Priority, plain(v.Bucket)))
	}
	slices.Sort(all)
	return all
}
