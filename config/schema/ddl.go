package schema

import "strings"

// The clock is julianday, because unixepoch with fractions needs SQLite 3.42. The half milli-second rounds: julianday
// is a REAL, and just below a whole millisecond as often as not.
const millis = "CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)"

// newID makes a UUIDv7: 48 bits of time, the version, 12 random bits, the variant, 62 random bits.
const newID = "(printf('%08x-%04x-7%03x-%04x-%012x', " + millis + " >> 16, " + millis + " & 65535, " +
	"random() & 4095, 32768 | (random() & 16383), random() & 281474976710655))"

const nowText = "(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

// DDL is the CREATE TABLE statement of the table for SQLite 3.38 or newer, without a semicolon.
func (t Table) DDL() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + t.Name + " (")
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  " + c.ddl())
	}
	b.WriteString("\n) STRICT")
	return b.String()
}

func (c Column) ddl() string {
	s := c.Name + " " + string(c.Type)
	if c.Name == ID {
		s += " PRIMARY KEY"
	}
	if c.NotNull {
		s += " NOT NULL"
	}
	if c.Default != "" {
		s += " DEFAULT " + c.Default
	}
	if c.Check != "" {
		s += " CHECK (" + c.Check + ")"
	}
	return s
}
