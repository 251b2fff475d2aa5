package schema

import "slices"

// Type is a column type that SQLite (STRICT) and PostgreSQL both have.
type Type string

// The types: text, bigint and double precision in PostgreSQL.
const (
	Text    Type = "TEXT"
	Integer Type = "INTEGER"
	Real    Type = "REAL"
)

// Column is one column of a table.
type Column struct {
	Name    string
	Type    Type
	NotNull bool
	Default string // an SQL expression in parentheses; empty = NULL
	Check   string // an SQL condition; empty = none
	Search  bool   // covered by the full-text search
}

// Table is one table. The first column is always id, the primary key.
type Table struct {
	Name    string
	Columns []Column
}

// Names of the tables and columns that code refers to.
const (
	Projects       = "projects"
	Sessions       = "sessions"
	Messages       = "messages"
	Decisions      = "decisions"
	SkillLearnings = "skill_learnings"
	ErrorSolutions = "error_solutions"

	ID      = "id"
	Hash    = "hash"
	Content = "content"
)

var tables = []Table{
	table(Projects, text("team_id"), visibility(), found("name"), found("path")),
	table(Sessions, project(), found("title"), text("source"), text("started_at"), text("ended_at")),
	table(Messages, project(), text("session_id"), text(Hash), text("role"), found(Content), text("source_type"),
		text("occurred_at")),
	table(Decisions, project(), text("decision_type"), found("decision"), found("rationale"), double("confidence"),
		found("tags")),
	table(SkillLearnings, project(), found("skill_name"), found("outcome"), double("effectiveness_score"),
		found("errors"), text("analyzed_at")),
	table(ErrorSolutions, project(), found("error_type"), found("error_signature"), found("solution"),
		found("solution_code"), integer("success_count")),
}

// Tables returns the six tables, referenced ones before those that refer to them. The caller may change the result.
func Tables() []Table {
	out := slices.Clone(tables)
	for i := range out {
		out[i].Columns = slices.Clone(out[i].Columns)
	}
	return out
}

// SearchColumns returns the names of the columns the full-text search covers, in table order.
func (t Table) SearchColumns() []string {
	var names []string
	for _, c := range t.Columns {
		if c.Search {
			names = append(names, c.Name)
		}
	}
	return names
}

func table(name string, own ...Column) Table {
	return Table{Name: name, Columns: append([]Column{
		{Name: ID, Type: Text, NotNull: true, Default: newID},
		text("user_id"),
		{Name: "created_at", Type: Text, NotNull: true, Default: nowText},
		{Name: "updated_at", Type: Text, NotNull: true, Default: nowText},
	}, own...)}
}

func text(name string) Column    { return Column{Name: name, Type: Text} }
func found(name string) Column   { return Column{Name: name, Type: Text, Search: true} }
func integer(name string) Column { return Column{Name: name, Type: Integer} }
func double(name string) Column  { return Column{Name: name, Type: Real} }
func project() Column            { return text("project_id") }

func visibility() Column {
	return Column{Name: "visibility", Type: Text, Check: "visibility IN ('private', 'team', 'org')"}
}
