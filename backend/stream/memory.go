package stream

import (
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// Names of the product's database: where its tables are, what publishes them, and who reads them.
const (
	Schema      = "app"
	Publication = "powersync"
	Role        = "powersync"
)

const accessTable = "access"

// Memory are the rules of the context memory: a bucket per project, and one per person for rows without a project, each
// split by how urgent its rows are: 1 knowledge, 2 projects and sessions, 3 messages. A person sees the projects that the
// table access gives them, which is what row-level security reads too.
//
// Documents have the columns of config/schema: the tenant and the clocks stay on the server.
func Memory() rules.Definition {
	d := rules.Definition{
		Lookups: []rules.Lookup{{Name: accessTable, Table: accessTable, Who: []string{"tenant_id", "user_id"},
			Claims: []string{"tenant_id", "sub"}, Key: []string{"tenant_id", "project_id"}}},
	}
	for _, t := range schema.Tables() {
		columns := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			columns[i] = c.Name
		}
		d.Tables = append(d.Tables, rules.Table{Name: t.Name, Columns: columns})
	}
	knowledge := []string{schema.Decisions, schema.SkillLearnings, schema.ErrorSolutions}
	for _, part := range []struct {
		name     string
		priority int
		tables   []string
	}{{"knowledge", 1, knowledge}, {"work", 2, []string{schema.Sessions}}, {"messages", 3, []string{schema.Messages}}} {
		d.Streams = append(d.Streams, own(part.name, part.priority, part.tables), shared(part.name, part.priority, part.tables))
	}
	for i := range d.Streams {
		if d.Streams[i].Name == "project_work" {
			d.Streams[i].Sources = append(d.Streams[i].Sources, rules.Source{Table: schema.Projects, Key: []string{"tenant_id", schema.ID}})
		}
	}
	return d
}

// own are a person's rows without a project.
func own(name string, priority int, tables []string) rules.Stream {
	s := rules.Stream{Name: "own_" + name, Priority: priority, Default: true, Claims: []string{"tenant_id", "sub"}}
	for _, t := range tables {
		s.Sources = append(s.Sources, rules.Source{Table: t, Key: []string{"tenant_id", "user_id"},
			Where: []rules.Condition{{Column: "project_id", Test: rules.Null}}})
	}
	return s
}

// shared are the rows of a project.
func shared(name string, priority int, tables []string) rules.Stream {
	s := rules.Stream{Name: "project_" + name, Priority: priority, Default: true, Lookup: accessTable}
	for _, t := range tables {
		s.Sources = append(s.Sources, rules.Source{Table: t, Key: []string{"tenant_id", "project_id"}})
	}
	return s
}
