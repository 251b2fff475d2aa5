package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// BringBack writes chosen rows of an image, a file that nobody writes, into the live file as any program would: rows that
// are gone come again, rows that changed get their old values, rows that are new since stay. In cloud mode that goes up as
// ordinary changes, and triggers of the file run. With dry nothing is written, only counted.
//
// Rows go in slices, so that other programs wait for 200 ms at most; a call that is interrupted can be made again. progress,
// which may be nil, is told rows. The error is CodeInvalid for a table or a condition that the image does not understand,
// CodeRefused where a row cannot stand beside a newer one or without one that is gone, CodeNotFound when a file is missing,
// CodeCanceled when ctx ends.
func (f *File) BringBack(ctx context.Context, image string, choice app.Choice, dry bool, progress func(done, total int64)) (app.Back, error) {
	var out app.Back
	m, err := imageMode(image)
	if err != nil {
		return out, classify("restore", image, err)
	}
	rows, err := chosen(ctx, image, m, choice)
	if err != nil {
		return out, err
	}
	err = f.withLive(ctx, "restore", modeWrite, func(c *conn) error {
		if err := c.exec(ctx, "ATTACH ? AS then_", uri(image, m)); err != nil {
			return err
		}
		b := &back{conn: c, choice: choice, told: progress}
		if b.owned, err = c.enrolled(ctx); err != nil {
			return err
		}
		if err := b.look(ctx, rows); err != nil {
			return err
		}
		if !dry {
			err = b.write(ctx)
		}
		out = b.sum()
		return err
	})
	return out, err
}

// back is one call of BringBack.
type back struct {
	*conn
	choice app.Choice
	owned  bool // the cloud says whose a row is
	tables []*backTable
	told   func(done, total int64)
}

type backTable struct {
	name    string
	list    string   // the temporary table with the keys of the rows to be written, k0, k1 …
	columns []string // that both sides have
	typed   []string // those of them that are declared the same on both sides
	key     []string
	respelt bool // a key differs as a text only, as by case
	app.TableBack
	projects []string
}

// look finds what is to be written, without a lock that anybody waits for, and refuses what could not stand.
func (b *back) look(ctx context.Context, rows *keys) error {
	if err := b.keep(ctx, rows); err != nil {
		return err
	}
	for i, table := range b.choice.Tables {
		if slices.ContainsFunc(b.choice.Tables[:i], func(t string) bool { return strings.EqualFold(t, table) }) {
			continue
		}
		if err := b.find(ctx, table, rows); err != nil {
			return err
		}
	}
	for _, t := range b.tables {
		if err := b.standsAlone(ctx, t); err != nil {
			return err
		}
		if err := b.standsBeside(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// find lists the rows of one table that are to be written.
func (b *back) find(ctx context.Context, table string, rows *keys) error {
	t := &backTable{name: table, list: fmt.Sprintf("_coditect_back%d", len(b.tables)), TableBack: app.TableBack{Table: table}}
	if err := b.shape(ctx, t); err != nil {
		return err
	}
	where, err := rows.among(t)
	if err != nil {
		return err
	}
	n := -1
	keys := each(t.key, ", ", func(k string) string { n++; return fmt.Sprintf("a.%s AS k%d", k, n) })
	gone := "m." + quoted(t.key[0]) + " IS NULL"
	query := fmt.Sprintf("CREATE TEMP TABLE %s AS SELECT %s, %s AS gone, NOT (%s) AND (%s) AS respelt FROM then_.%s AS a LEFT JOIN main.%s AS m ON %s WHERE %s AND (%s OR %s)%s",
		t.list, keys, gone, gone, t.spelt(), quoted(table), quoted(table), t.same("m.", "a."), t.whole(), gone, t.differs(), where)
	query += fmt.Sprintf("; CREATE INDEX temp.%s_keys ON %s (k0)", t.list, t.list)
	if err := b.exec(ctx, query); err != nil {
		return err
	}
	var total, respelt int64
	if err := b.one(ctx, "SELECT count(*), total(gone), total(respelt) FROM temp."+t.list, nil, &total, &t.Again, &respelt); err != nil {
		return err
	}
	t.Changed, t.respelt = total-t.Again, respelt > 0
	b.tables = append(b.tables, t)
	return b.findProjects(ctx, t)
}

// findProjects lists the projects that the rows are of, for whom they reach.
func (b *back) findProjects(ctx context.Context, t *backTable) (err error) {
	switch {
	case slices.Contains(t.columns, "project_id"):
		t.projects, err = texts(ctx, b.conn, "SELECT DISTINCT a.project_id FROM "+t.listed()+" WHERE a.project_id IS NOT NULL")
	case t.name == schema.Projects:
		t.projects, err = texts(ctx, b.conn, "SELECT k0 FROM temp."+t.list)
	}
	return err
}

// shape reads the columns that both sides have.
func (b *back) shape(ctx context.Context, t *backTable) (err error) {
	const both = "SELECT m.name FROM pragma_table_xinfo(?1, 'main') AS m JOIN pragma_table_xinfo(?1, 'then_') AS a ON a.name = m.name COLLATE NOCASE WHERE m.hidden = 0 AND a.hidden = 0"
	if t.columns, err = texts(ctx, b.conn, both+" ORDER BY m.cid", t.name); err != nil {
		return err
	}
	if len(t.columns) == 0 || bookkeeping(t.name) {
		return noTable(t.name)
	}
	if err := b.isTable(ctx, t.name); err != nil {
		return err
	}
	if t.typed, err = texts(ctx, b.conn, both+" AND m.type = a.type COLLATE NOCASE", t.name); err != nil {
		return err
	}
	const pk = "SELECT name FROM pragma_table_xinfo(?1, ?2) WHERE pk > 0 ORDER BY pk"
	if t.key, err = texts(ctx, b.conn, pk, t.name, "main"); err != nil {
		return err
	}
	was, err := texts(ctx, b.conn, pk, t.name, "then_")
	if err != nil {
		return err
	}
	if len(t.key) == 0 || !slices.EqualFunc(t.key, was, strings.EqualFold) {
		return noKey(t.name)
	}
	if _, ours := searched(t.name); ours && b.owned {
		own := func(c string) bool { return c == ownerColumn }
		t.columns, t.typed = slices.DeleteFunc(t.columns, own), slices.DeleteFunc(t.typed, own)
	}
	return nil
}

// listed is the rows to be written, as they were: a, in the order of the list l.
func (t *backTable) listed() string {
	return fmt.Sprintf("temp.%s AS l CROSS JOIN then_.%s AS a ON %s", t.list, quoted(t.name), t.in("a", "l"))
}

// in is that a row has the key that stands in a list.
func (t *backTable) in(row, list string) string {
	n := -1
	return each(t.key, " AND ", func(k string) string { n++; return fmt.Sprintf("%s.%s = %s.k%d", row, k, list, n) })
}

// same is that two rows have one key.
func (t *backTable) same(one, other string) string {
	return each(t.key, " AND ", func(k string) string { return one + k + " = " + other + k })
}

// whole is that no part of a's key is NULL, which would tell no row from another.
func (t *backTable) whole() string {
	return each(t.key, " AND ", func(k string) string { return "a." + k + " IS NOT NULL" })
}

// spelt is that the keys of a and m are one key that is written differently.
func (t *backTable) spelt() string {
	return each(t.key, " OR ", func(k string) string { return "a." + k + " COLLATE BINARY IS NOT m." + k })
}

// differs is that any value does. A number that is an integer on one side and a real on the other differs, too, where the
// column does not decide which it is.
func (t *backTable) differs() string {
	values := each(t.columns, " OR ", func(c string) string { return "a." + c + " COLLATE BINARY IS NOT m." + c })
	types := each(t.typed, " OR ", func(c string) string { return "typeof(a." + c + ") <> typeof(m." + c + ")" })
	if types == "" {
		return values
	}
	return values + " OR " + types
}

// each says something of each column, by its quoted name.
func each(columns []string, between string, say func(string) string) string {
	var out []string
	for _, c := range columns {
		out = append(out, say(quoted(c)))
	}
	return strings.Join(out, between)
}

func (b *back) sum() (out app.Back) {
	for _, t := range b.tables {
		out.Tables = append(out.Tables, t.TableBack)
		out.Projects = append(out.Projects, t.projects...)
	}
	slices.Sort(out.Projects)
	out.Projects = slices.Compact(out.Projects)
	return out
}

// backRows is how many rows one transaction has.
const backRows = 200

func (b *back) write(ctx context.Context) error {
	total, done := b.sum().Rows(), int64(0)
	for _, t := range b.tables {
		for from := int64(0); from < t.Again+t.Changed; from += backRows {
			if err := b.slice(ctx, t, from); err != nil {
				return backRefused(t.name, done, err)
			}
			if done = min(done+backRows, total); b.told != nil {
				b.told(done, total)
			}
		}
	}
	return b.check(ctx)
}

// slice is one statement and one transaction. It begins with the write, not BEGIN IMMEDIATE, which would want to lock the image.
func (b *back) slice(ctx context.Context, t *backTable, from int64) error {
	names := each(t.columns, ", ", func(c string) string { return c })
	values := each(t.columns, ", ", func(c string) string { return "a." + c })
	var changing []string
	for _, c := range t.columns {
		if t.respelt || !slices.Contains(t.key, c) {
			changing = append(changing, c)
		}
	}
	then := "NOTHING"
	if len(changing) > 0 {
		then = "UPDATE SET " + each(changing, ", ", func(c string) string { return c + " = excluded." + c })
	}
	return b.exec(ctx, fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM %s WHERE l.rowid > ? AND l.rowid <= ? ON CONFLICT (%s) DO %s",
		quoted(t.name), names, values, t.listed(), each(t.key, ", ", func(k string) string { return k }), then), from, from+backRows)
}

// check counts the rows that are not as they were after all: a trigger of the file changed them, or another program.
func (b *back) check(ctx context.Context) error {
	for _, t := range b.tables {
		query := fmt.Sprintf("SELECT count(*) FROM %s LEFT JOIN main.%s AS m ON %s WHERE m.%s IS NULL OR %s",
			t.listed(), quoted(t.name), t.same("m.", "a."), quoted(t.key[0]), t.differs())
		if err := b.one(ctx, query, nil, &t.Differ); err != nil {
			return err
		}
	}
	return nil
}
