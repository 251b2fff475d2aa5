package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// columnShape is what matters of a column of somebody's table.
type columnShape struct {
	name, kind string
	pk         int
	required   bool // NOT NULL without a default
}

// capturable reads what is needed to capture a table. The error is CodeRefused and names the table when it has another
// shape than the context memory's: then nothing of it is captured. More columns than ours do no harm; they stay here.
func (c *conn) capturable(ctx context.Context, t schema.Table) (captured, error) {
	out := captured{Table: t}
	var kind string
	var withoutRowid bool
	rows, err := c.QueryContext(ctx, "SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'", t.Name)
	if err != nil {
		return out, err
	}
	for rows.Next() {
		if err := rows.Scan(&kind, &withoutRowid); err != nil {
			rows.Close()
			return out, err
		}
	}
	if err := rows.Err(); err != nil {
		return out, err
	}
	if kind != "table" {
		return out, shapeError(t.Name, "it is not there")
	}
	columns, err := c.columns(ctx, t.Name)
	if err != nil {
		return out, err
	}
	if problem := misshapen(t, columns); problem != "" {
		return out, shapeError(t.Name, problem)
	}
	if !withoutRowid {
		out.rowid = freeRowid(columns)
	}
	out.keys, err = c.uniqueKeys(ctx, t.Name)
	return out, err
}

func shapeError(table, problem string) error {
	return app.Errorf(app.CodeRefused, "enrol", "The table %s is not the context memory's: %s.", table, problem).
		WithHint("It was left as it is. Cloud mode needs a file with the context memory's own tables.")
}

func (c *conn) columns(ctx context.Context, table string) ([]columnShape, error) {
	rows, err := c.QueryContext(ctx, `SELECT name, upper(type), pk, "notnull" AND dflt_value IS NULL FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []columnShape
	for rows.Next() {
		var s columnShape
		if err := rows.Scan(&s.name, &s.kind, &s.pk, &s.required); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// misshapen says what keeps a table from being captured, "" if nothing does.
func misshapen(t schema.Table, have []columnShape) string {
	for _, want := range t.Columns {
		i := slices.IndexFunc(have, func(s columnShape) bool { return strings.EqualFold(s.name, want.Name) })
		switch {
		case i < 0:
			return fmt.Sprintf("it has no column %s", want.Name)
		case have[i].kind != string(want.Type):
			return fmt.Sprintf("its column %s is %s and not %s", want.Name, cmpOr(have[i].kind, "untyped"), want.Type)
		case (have[i].pk > 0) != (want.Name == schema.ID):
			return "its primary key is another one than id"
		}
	}
	for _, s := range have {
		ours := slices.ContainsFunc(t.Columns, func(c schema.Column) bool { return strings.EqualFold(c.Name, s.name) })
		if !ours && (s.required || s.pk > 0) {
			return fmt.Sprintf("its column %s must have a value, which rows from the cloud have not", s.name)
		}
	}
	return ""
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func freeRowid(columns []columnShape) string {
	for _, name := range rowidNames {
		if !slices.ContainsFunc(columns, func(s columnShape) bool { return strings.EqualFold(s.name, name) }) {
			return name
		}
	}
	return ""
}

// uniqueKeys are the unique indexes that somebody added. One on an expression cannot be told from its columns and is
// left out; a partial one is taken as whole, which finds more rows than it removes, and those are looked at again.
func (c *conn) uniqueKeys(ctx context.Context, table string) ([]uniqueKey, error) {
	names, err := texts(ctx, c, `SELECT name FROM pragma_index_list(?) WHERE "unique" AND origin <> 'pk' ORDER BY name`, table)
	if err != nil {
		return nil, err
	}
	var keys []uniqueKey
	for _, name := range names {
		columns, err := texts(ctx, c, "SELECT ifnull(name, '') FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", name)
		if err != nil {
			return nil, err
		}
		collations, err := texts(ctx, c, "SELECT coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(columns, "") {
			keys = append(keys, uniqueKey{columns, collations})
		}
	}
	return keys, nil
}
