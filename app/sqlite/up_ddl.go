package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// The bookkeeping of cloud mode. A writer's statements meet the first two only, and those have no constraint that a
// statement could hit: AUTOINCREMENT never gives a number twice.
const (
	upQueue   = "_coditect_queue"
	upCapture = "_coditect_capture"
	upState   = "_coditect_sync"
	upGroups  = "_coditect_groups"
	upLost    = "_coditect_lost"
)

// What an entry of the queue does.
const (
	opPut    = "put"
	opPatch  = "patch"
	opDelete = "delete"
	// opEnrol is a put of a row that was there before it was captured. Such entries are written by us alone, in
	// transactions of their own, so that groups may end anywhere among them.
	opEnrol = "enrol"
	// opMaybe is a delete, if the row is gone: INSERT OR REPLACE may remove a row through a unique key that is not its
	// id, without any trigger telling so afterwards.
	opMaybe = "maybe"
)

// slots is how many values an entry has: one for each column but the id, in table order. Columns of a table are only ever
// added at its end, so that a slot means the same for all time.
func slots() int {
	n := 0
	for _, t := range schema.Tables() {
		n = max(n, len(t.Columns)-1)
	}
	return n
}

// upDDL is the bookkeeping. Values are kept as they are, each in a column without a type, and become JSON when they are
// sent: no SQL function of some other program's SQLite has to tell a blob from a text, print a real to its last digit or
// escape a text, and none can fail. v… are the new values; o… are those before, of the columns that mask names (bit 0 is
// the first slot; NULL means all of them, and none before).
func upDDL() []string {
	return []string{
		"CREATE TABLE IF NOT EXISTS " + upQueue + " (seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl, op, id, clock, mask, " +
			slotList("v%d") + ", " + slotList("o%d") + ")",
		// applying is 1 while downloaded rows are written, inside that transaction alone. skew is what the cloud's clock is
		// ahead of this machine's, in ms; clock is one that no entry may be older than: ms << 16 | counter.
		"CREATE TABLE IF NOT EXISTS " + upCapture + " (applying, skew, clock)",
		"CREATE TABLE IF NOT EXISTS " + upState + " (key TEXT PRIMARY KEY, value)",
		// A group's entries are first … last; ranges never overlap. number is 0 while it is to be numbered. cuts are
		// the last entries of its parts; staged is how many parts the server has, -1 while it must be divided anew; target is the write checkpoint with
		// which an acknowledged group is seen.
		"CREATE TABLE IF NOT EXISTS " + upGroups + " (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, number INTEGER NOT NULL, " +
			"changes INTEGER NOT NULL, since INTEGER NOT NULL, cuts TEXT NOT NULL DEFAULT '', staged INTEGER NOT NULL DEFAULT 0, " +
			"acked INTEGER NOT NULL DEFAULT 0, target INTEGER)",
		"CREATE TABLE IF NOT EXISTS " + upLost + " (item INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT UNIQUE, at INTEGER NOT NULL, " +
			"kind TEXT NOT NULL, tbl TEXT NOT NULL, id TEXT NOT NULL, op TEXT NOT NULL, mine TEXT, theirs TEXT, code TEXT NOT NULL, " +
			"why TEXT NOT NULL, by TEXT NOT NULL DEFAULT '', machine TEXT NOT NULL DEFAULT '')",
	}
}

func slotList(format string) string {
	list := make([]string, slots())
	for i := range list {
		list[i] = fmt.Sprintf(format, i+1)
	}
	return strings.Join(list, ", ")
}

// clockSQL is the next clock: later than every one before, whatever the machine's clock does. It is julianday, because
// unixepoch with fractions needs SQLite 3.42.
const clockSQL = "ifnull((SELECT max((" + nowSQL + " + ifnull(k.skew, 0)) << 16, ifnull(k.clock, 0) + 1," +
	" ifnull((SELECT clock FROM " + upQueue + " ORDER BY seq DESC LIMIT 1), 0) + 1) FROM " + upCapture + " AS k LIMIT 1), " + nowSQL + " << 16)"

const nowSQL = "CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)"

const capturing = "(SELECT applying FROM " + upCapture + " LIMIT 1) IS NOT 1"

// uniqueKey is a unique index other than the id's: columns with their collations.
type uniqueKey struct{ columns, collations []string }

// captured is how one table is captured.
type captured struct {
	schema.Table
	// filing tells that rows that were there before are being filed: then an update files the whole row, because the
	// cloud may not know it yet.
	filing bool
	keys   []uniqueKey
	rowid  string // a name for the row's number, "" where there is none
}

// triggers file each change in the transaction that makes it. They read the row again rather than take what they are
// told, because a trigger of somebody else may have changed it once more before they come to run.
func (t captured) triggers() []trigger {
	list := []trigger{
		t.on("insert", "AFTER INSERT ON "+t.Name, t.put("new")),
		t.on("update", "AFTER UPDATE ON "+t.Name+" WHEN old.id IS new.id AND ("+t.differs()+") AND", t.change()),
		t.on("id", "AFTER UPDATE OF id ON "+t.Name+" WHEN old.id IS NOT new.id AND", t.entry(opDelete, "old.id")+t.put("new")),
		t.on("delete", "AFTER DELETE ON "+t.Name, t.entry(opDelete, "old.id")),
	}
	return append(list, t.replacing()...)
}

func (t captured) on(event, when, body string) trigger {
	name := "_coditect_capture_" + t.Name + "_" + event
	if !strings.HasSuffix(when, "AND") {
		when += " WHEN"
	}
	return trigger{name, "CREATE TRIGGER " + name + " " + when + " " + capturing + " BEGIN\n" + body + "END"}
}

func (t captured) values() []schema.Column { return t.Columns[1:] }

func (t captured) entry(op, id string) string {
	return fmt.Sprintf("  INSERT INTO %s (tbl, op, id, clock) VALUES ('%s', '%s', %s, %s);\n", upQueue, t.Name, op, id, clockSQL)
}

// put files a whole row.
func (t captured) put(row string) string { return "  " + t.putOf(t.is(row)) + ";\n" }

// is finds the row that a trigger tells of: by its number where it has one, which is the quickest.
func (t captured) is(row string) string {
	if t.rowid != "" {
		return "t." + t.rowid + " = " + row + "." + t.rowid
	}
	return "t.id IS " + row + ".id"
}

// putOf files the rows of which a condition holds as they are now.
func (t captured) putOf(where string) string {
	var names, values []string
	for i, c := range t.values() {
		names, values = append(names, fmt.Sprintf("v%d", i+1)), append(values, "t."+c.Name)
	}
	return fmt.Sprintf("INSERT INTO %s (tbl, op, id, clock, %s)\n    SELECT '%s', '%s', t.id, %s, %s FROM %s AS t WHERE %s",
		upQueue, strings.Join(names, ", "), t.Name, opPut, clockSQL, strings.Join(values, ", "), t.Name, where)
}

// change files the columns that differ, with what they were.
func (t captured) change() string {
	if t.filing {
		return t.put("new")
	}
	var names, values, mask []string
	for i, c := range t.values() {
		names = append(names, fmt.Sprintf("v%d, o%d", i+1, i+1))
		values = append(values, fmt.Sprintf("CASE WHEN %s THEN t.%s END, CASE WHEN %s THEN old.%s END", differ(c), c.Name, differ(c), c.Name))
		mask = append(mask, fmt.Sprintf("((%s) << %d)", differ(c), i))
	}
	return fmt.Sprintf("  INSERT INTO %s (tbl, op, id, clock, mask, %s)\n    SELECT '%s', '%s', t.id, %s, %s,\n    %s\n    FROM %s AS t WHERE %s;\n",
		upQueue, strings.Join(names, ", "), t.Name, opPatch, clockSQL, strings.Join(mask, " | "), strings.Join(values, ",\n    "), t.Name, t.is("new"))
}

// differ compares bytes, whatever collation somebody gave the column.
func differ(c schema.Column) string {
	return fmt.Sprintf("old.%s IS NOT new.%s COLLATE BINARY", c.Name, c.Name)
}

func (t captured) differs() string {
	var list []string
	for _, c := range t.values() {
		list = append(list, differ(c))
	}
	return strings.Join(list, " OR ")
}

// replacing files the rows that a statement may be about to remove through another key than the id.
func (t captured) replacing() []trigger {
	keys := t.keys
	if t.rowid != "" {
		keys = append(slices.Clone(keys), uniqueKey{[]string{t.rowid}, []string{"BINARY"}})
	}
	if len(keys) == 0 {
		return nil
	}
	var insert, update string
	for _, k := range keys {
		insert += t.maybe(k, "t.id IS NOT new.id")
		update += t.maybe(k, "t.id IS NOT new.id AND t.id IS NOT old.id")
	}
	return []trigger{
		t.on("replace", "BEFORE INSERT ON "+t.Name+t.unlessPlain(), insert),
		t.on("replace_update", "BEFORE UPDATE ON "+t.Name+" WHEN ("+t.movesKey(keys)+") AND", update),
	}
}

// unlessPlain keeps an insert that says no number, where no other key is unique, from looking for one: it has the number -1.
func (t captured) unlessPlain() string {
	if len(t.keys) > 0 || t.rowid == "" {
		return ""
	}
	return " WHEN new." + t.rowid + " IS NOT -1 AND"
}

func (t captured) maybe(k uniqueKey, other string) string {
	var same []string
	for i, c := range k.columns {
		same = append(same, fmt.Sprintf("t.%s = new.%s COLLATE %s", quoted(c), quoted(c), quoted(k.collations[i])))
	}
	return fmt.Sprintf("  INSERT INTO %s (tbl, op, id, clock)\n    SELECT '%s', '%s', t.id, %s FROM %s AS t WHERE %s AND %s;\n",
		upQueue, t.Name, opMaybe, clockSQL, t.Name, strings.Join(same, " AND "), other)
}

func (t captured) movesKey(keys []uniqueKey) string {
	var list []string
	for _, k := range keys {
		for _, c := range k.columns {
			list = append(list, fmt.Sprintf("old.%s IS NOT new.%s", quoted(c), quoted(c)))
		}
	}
	return strings.Join(list, " OR ")
}
