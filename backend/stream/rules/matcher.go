package rules

import (
	"fmt"
	"slices"
)

// Matcher is a definition applied to one table whose columns are known: it finds a row's buckets without a search by
// name. It is made anew whenever the columns change.
type Matcher struct {
	Document []int // indexes of the columns of the document
	ID       int   // index of the column id
	sources  []match
	lookups  []match
}

type match struct {
	name  string // of the stream or lookup
	tests []test
	who   []int
	key   []int
}

type test struct {
	Condition
	column int
}

// Grant is one row of a lookup's table: it gives Who the Key.
type Grant struct{ Lookup, Who, Key string }

// Matcher applies the definition to a table with these columns. It fails where a column is missing.
func (d Definition) Matcher(table string, columns []string) (*Matcher, error) {
	c := compiler{table: table, columns: columns}
	m := &Matcher{}
	for _, s := range d.Streams {
		for _, source := range s.Sources {
			if source.Table == table {
				m.sources = append(m.sources, match{name: s.Name, tests: c.tests(source.Where), key: c.indexes(source.Key)})
			}
		}
	}
	for _, l := range d.Lookups {
		if l.Table == table {
			m.lookups = append(m.lookups, match{name: l.Name, tests: c.tests(l.Where), who: c.indexes(l.Who), key: c.indexes(l.Key)})
		}
	}
	m.Document = c.document(d.Tables)
	if len(m.sources) > 0 {
		m.ID = c.index("id")
	}
	return m, c.err
}

// Streamed says whether rows of the table can be in a bucket at all; else it is only looked up in.
func (m *Matcher) Streamed() bool { return len(m.sources) > 0 }

// Lookups are the names of the lookups that read the table.
func (m *Matcher) Lookups() []string {
	names := make([]string, len(m.lookups))
	for i, l := range m.lookups {
		names[i] = l.name
	}
	return names
}

// Value is a column's text, and whether it is set.
type Value func(column int) (string, bool)

// Buckets are the names of the buckets a row is in, each once.
func (m *Matcher) Buckets(row Value) []string {
	var names []string
	for _, s := range m.sources {
		if key, ok := s.take(s.key, row); ok && !slices.Contains(names, s.name+key) {
			names = append(names, s.name+key)
		}
	}
	return names
}

// Grants are what a row of a lookup's table gives.
func (m *Matcher) Grants(row Value) []Grant {
	var grants []Grant
	for _, l := range m.lookups {
		who, ok := l.take(l.who, row)
		key, also := l.take(l.key, row)
		if ok && also {
			grants = append(grants, Grant{l.name, who, key})
		}
	}
	return grants
}

func (m match) take(columns []int, row Value) (string, bool) {
	for _, t := range m.tests {
		if !t.holds(row) {
			return "", false
		}
	}
	values := make([]string, len(columns))
	for i, column := range columns {
		value, set := row(column)
		if !set {
			return "", false
		}
		values[i] = value
	}
	return Key(values), true
}

func (t test) holds(row Value) bool {
	value, set := row(t.column)
	switch t.Test {
	case Null:
		return !set
	case NotNull:
		return set
	default:
		return set && value == t.Value
	}
}

type compiler struct {
	table   string
	columns []string
	err     error
}

func (c *compiler) index(name string) int {
	i := slices.Index(c.columns, name)
	if i < 0 && c.err == nil {
		c.err = fmt.Errorf("table %s has no column %s", c.table, name)
	}
	return i
}

func (c *compiler) indexes(names []string) []int {
	all := make([]int, len(names))
	for i, name := range names {
		all[i] = c.index(name)
	}
	return all
}

func (c *compiler) tests(where []Condition) []test {
	all := make([]test, len(where))
	for i, condition := range where {
		all[i] = test{condition, c.index(condition.Column)}
	}
	return all
}

func (c *compiler) document(tables []Table) []int {
	for _, t := range tables {
		if t.Name == c.table && len(t.Columns) > 0 {
			return c.indexes(t.Columns)
		}
	}
	return c.indexes(c.columns)
}
