package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	lib "modernc.org/sqlite/lib"
)

// noTable refuses a table that is not there.
func noTable(table string) error {
	return app.Errorf(app.CodeInvalid, "restore", "There is no table %s in both, that moment and now.", table).
		WithHint("Save that moment as a new file, and look there.").Typed("Restore that moment to a file of its own with --to FILE, and look there.")
}

// noKey refuses a table whose rows cannot be told apart.
func noKey(table string) error {
	return app.Errorf(app.CodeInvalid, "restore", "The rows of %s cannot be told apart: it has no primary key, or another one than then.", table).
		WithHint("Save that moment as a new file.").Typed("Restore that moment to a file of its own with --to FILE.")
}

// isTable refuses what has no rows of its own to write: a view, an index of its own kind, and the tables such an index keeps
// for itself, which would not fit to each other any more.
func (b *back) isTable(ctx context.Context, name string) error {
	kinds, err := texts(ctx, b.conn, "SELECT type FROM pragma_table_list(?) WHERE schema IN ('main', 'then_') AND type <> 'table'", name)
	if err != nil || len(kinds) == 0 {
		return err
	}
	what := map[string]string{
		"view":    "%s is a view: its rows are those of other tables.",
		"virtual": "%s is an index of a kind of its own: it has no rows that can be written one by one.",
		"shadow":  "%s belongs to an index, which keeps it for itself.",
	}[kinds[0]]
	return app.Errorf(app.CodeInvalid, "restore", what, name).
		WithHint("Choose the tables that it is of, or save that moment as a new file.").
		Typed("Choose the tables that it is of, or restore that moment to a file of its own with --to FILE.")
}

// parent is one foreign key of a table.
type parent struct {
	table    string
	from, to []string
}

// standsAlone refuses rows that belong to rows that are gone, and belonged to them then: not every program that writes the file
// has SQLite look after foreign keys, and this connection has not.
func (b *back) standsAlone(ctx context.Context, t *backTable) error {
	parents, err := b.parents(ctx, t.name)
	if err != nil {
		return err
	}
	for _, p := range parents {
		var orphans int64
		is := func(side string) string {
			return "EXISTS (SELECT 1 FROM " + side + "." + quoted(p.table) + " AS p WHERE " + p.same("p.") + ")"
		}
		query := "SELECT count(*) FROM " + t.listed() + " WHERE " + is("then_") + " AND NOT " + is("main")
		if i := slices.IndexFunc(b.tables, func(o *backTable) bool { return strings.EqualFold(o.name, p.table) }); i >= 0 {
			o := b.tables[i]
			query += fmt.Sprintf(" AND NOT EXISTS (SELECT 1 FROM then_.%s AS p CROSS JOIN temp.%s AS c ON %s WHERE %s)",
				quoted(o.name), o.list, o.in("p", "c"), p.same("p."))
		}
		if err := b.one(ctx, query, nil, &orphans); err != nil {
			return err
		}
		if orphans > 0 {
			return app.Errorf(app.CodeRefused, "restore", "%d of the rows of %s belong to rows of %s that are gone.", orphans, t.name, p.table).
				WithHint("Bring those back as well.").Typed("Bring them back together: --table %s --table %s.", p.table, t.name)
		}
	}
	return nil
}

func (p parent) same(side string) string {
	var out []string
	for i, from := range p.from {
		out = append(out, side+quoted(p.to[i])+" = a."+quoted(from))
	}
	return strings.Join(out, " AND ")
}

// parents are the foreign keys of a table, but those to a table that is not on both sides.
func (b *back) parents(ctx context.Context, table string) (list []parent, err error) {
	const query = `SELECT f.id, f."table", f."from", ifnull(f."to", (SELECT name FROM pragma_table_info(f."table", 'main') WHERE pk = f.seq + 1))
		FROM pragma_foreign_key_list(?, 'main') AS f
		WHERE EXISTS (SELECT 1 FROM pragma_table_info(f."table", 'main')) AND EXISTS (SELECT 1 FROM pragma_table_info(f."table", 'then_')) ORDER BY f.id, f.seq`
	rows, err := b.QueryContext(ctx, query, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	last := -1
	for rows.Next() {
		var id int
		var of, from string
		var to *string
		if err := rows.Scan(&id, &of, &from, &to); err != nil {
			return nil, err
		}
		if to == nil { // it points at a primary key that is not there
			return nil, rows.Err()
		}
		if id != last {
			list, last = append(list, parent{table: of}), id
		}
		p := &list[len(list)-1]
		p.from, p.to = append(p.from, from), append(p.to, *to)
	}
	return list, rows.Err()
}

// standsBeside refuses rows that a newer row has taken a unique value of, before any is written.
func (b *back) standsBeside(ctx context.Context, t *backTable) error {
	indexes, err := texts(ctx, b.conn, `SELECT name FROM pragma_index_list(?, 'main') WHERE "unique" AND origin <> 'pk' AND NOT partial`, t.name)
	if err != nil {
		return err
	}
	for _, index := range indexes {
		columns, err := texts(ctx, b.conn, "SELECT ifnull(name, '') FROM pragma_index_info(?, 'main')", index)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(t.columns, c) }) { // an expression, or new since
			continue
		}
		query := fmt.Sprintf("SELECT count(*) FROM %s JOIN main.%s AS m ON %s WHERE NOT (%s) AND NOT EXISTS (SELECT 1 FROM temp.%s AS o WHERE %s)",
			t.listed(), quoted(t.name), each(columns, " AND ", func(c string) string { return "m." + c + " = a." + c }), t.same("m.", "a."), t.list, t.in("m", "o"))
		var taken int64
		if err := b.one(ctx, query, nil, &taken); err != nil {
			return err
		}
		if taken > 0 {
			return besideNewer(t.name)
		}
	}
	return nil
}

func besideNewer(table string) *app.Error {
	return app.Errorf(app.CodeRefused, "restore", "A row of %s cannot come back beside a newer one.", table).
		WithHint("Save that moment as a new file, and bring the row back by hand.").
		Typed("Restore that moment to a file of its own with --to FILE, and bring the row back by hand.")
}

// backRefused says why a slice was refused, and what came back before it.
func backRefused(table string, done int64, err error) error {
	if primary(err) != lib.SQLITE_CONSTRAINT {
		return err
	}
	e := besideNewer(table)
	switch resultCode(err) {
	case lib.SQLITE_CONSTRAINT_TRIGGER:
		e.Message = fmt.Sprintf("A trigger of the file lets a row of %s not come back.", table)
	case lib.SQLITE_CONSTRAINT_CHECK, lib.SQLITE_CONSTRAINT_NOTNULL, lib.SQLITE_CONSTRAINT_DATATYPE:
		e.Message = fmt.Sprintf("A row of %s does not fit the table as it is now.", table)
	}
	if done > 0 {
		e.Message += fmt.Sprintf(" %d rows came back before it.", done)
	}
	return e.Wrap(err)
}
