package powersync

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

//go:generate go run ./gen

const head = `# Which rows go to whom. Generated from config/schema with "go generate ./config/powersync": change it there.

config:
  edition: 3

streams:
`

// What every query asks. The claims are of the signed token.
const (
	sameTenant = "tenant_id = auth.parameter('tenant_id')"
	samePerson = "user_id = auth.user_id()"
	readable   = "SELECT project_id FROM app.access WHERE " + sameTenant + " AND " + samePerson
)

// part is what is sent together, the more urgent the lower its priority.
type part struct {
	name     string
	priority int
	tables   []string
}

func parts() []part {
	return []part{
		{"knowledge", 1, []string{schema.Decisions, schema.SkillLearnings, schema.ErrorSolutions}},
		{"work", 2, []string{schema.Projects, schema.Sessions}},
		{"messages", 3, []string{schema.Messages}},
	}
}

// Generate makes sync-streams.yaml.
func Generate() []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for _, p := range parts() {
		p.own(&b)
		p.shared(&b)
	}
	return b.Bytes()
}

// own are a person's rows without a project. A project has none either, but is shared as its own.
func (p part) own(b *bytes.Buffer) {
	p.begin(b, "own_")
	b.WriteString("    queries:\n")
	for _, name := range p.tables {
		if name != schema.Projects {
			query(b, name, samePerson+" AND project_id IS NULL")
		}
	}
}

// shared are the rows of a project. No table has an alias: the service would send the rows under its name.
func (p part) shared(b *bytes.Buffer) {
	p.begin(b, "project_")
	fmt.Fprintf(b, "    with:\n      readable: %s\n    queries:\n", readable)
	for _, name := range p.tables {
		key := "project_id"
		if name == schema.Projects {
			key = schema.ID
		}
		query(b, name, key+" IN readable")
	}
}

func (p part) begin(b *bytes.Buffer, kind string) {
	fmt.Fprintf(b, "  %s%s:\n    auto_subscribe: true\n    priority: %d\n", kind, p.name, p.priority)
}

func query(b *bytes.Buffer, table, where string) {
	fmt.Fprintf(b, "      - |-\n        SELECT %s\n        FROM app.%s\n        WHERE %s AND %s\n", columns(table), table, sameTenant, where)
}

func columns(table string) string {
	var names []string
	for _, t := range schema.Tables() {
		if t.Name != table {
			continue
		}
		for _, c := range t.Columns {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, ", ")
}
