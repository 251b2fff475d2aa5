package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	lib "modernc.org/sqlite/lib"
)

// keys are the rows that a choice names. They are compared as the values that they are: as texts, blobs would not survive.
type keys struct {
	table  string
	key    []string // its columns; none where values are texts that a person typed
	values [][]any  // the key of each row
}

// chosen are the keys that a choice names; nil is every row of its tables. A condition is looked up in the image, which nothing
// can write, and more than one statement is refused.
func chosen(ctx context.Context, image string, m mode, choice app.Choice) (*keys, error) {
	narrow := choice.Where != "" || choice.IDs != nil
	switch {
	case len(choice.Tables) == 0:
		return nil, app.Errorf(app.CodeInvalid, "restore", "No table was chosen.").WithHint("Name one, such as decisions.")
	case narrow && len(choice.Tables) > 1, choice.Where != "" && choice.IDs != nil:
		return nil, app.Errorf(app.CodeInvalid, "restore", "Rows are chosen by id or by a condition, and of one table.").WithHint("Choose them table by table.")
	case choice.IDs != nil:
		k := &keys{table: choice.Tables[0]}
		for _, id := range choice.IDs {
			k.values = append(k.values, []any{id})
		}
		return k, nil
	case choice.Where == "":
		return nil, nil
	}
	r, err := openRaw(ctx, image, m)
	if err != nil {
		return nil, classify("restore", image, err)
	}
	defer r.close()
	s, err := r.shape(ctx, choice.Tables[0])
	if err != nil {
		return nil, classify("restore", image, err)
	}
	if s == nil {
		return nil, noTable(choice.Tables[0])
	}
	if len(s.key) == 0 {
		return nil, noKey(choice.Tables[0])
	}
	return r.meeting(ctx, choice.Tables[0], s.key, choice.Where)
}

// meeting are the keys of the rows that meet a condition.
func (r *raw) meeting(ctx context.Context, table string, key []string, where string) (*keys, error) {
	k := &keys{table: table, key: key}
	query := "SELECT " + each(key, ", ", func(c string) string { return c }) + " FROM " + quoted(table) + " WHERE (" + where + "\n)"
	err := r.each(ctx, query, func(stmt uintptr) error {
		row := make([]any, len(key))
		for i := range row {
			row[i] = r.value(stmt, int32(i)) // SQLite has at most 32,767 columns
		}
		k.values = append(k.values, row)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return nil, app.Errorf(app.CodeInvalid, "restore", "The condition is not understood: %s", err).
			WithHint("It is what stands behind WHERE, such as: created_at > '2026-11-01'.").Wrap(err)
	}
	return k, classify("restore", r.path, err)
}

// value copies a value of the current row.
func (r *raw) value(stmt uintptr, i int32) any {
	switch lib.Xsqlite3_column_type(r.tls, stmt, i) {
	case lib.SQLITE_INTEGER:
		return lib.Xsqlite3_column_int64(r.tls, stmt, i)
	case lib.SQLITE_FLOAT:
		return lib.Xsqlite3_column_double(r.tls, stmt, i)
	case lib.SQLITE_TEXT:
		return r.utf8Text(stmt, i)
	case lib.SQLITE_BLOB:
		return append([]byte{}, r.blob(stmt, i)...)
	}
	return nil
}

// keep writes the keys into a temporary table. Its columns have the types of those that they are compared with, or no index
// would be of use.
func (b *back) keep(ctx context.Context, k *keys) error {
	if k == nil {
		return nil
	}
	columns, width := "'' AS k0", 1
	if k.key != nil {
		width = len(k.key)
		n := -1
		columns = each(k.key, ", ", func(c string) string { n++; return fmt.Sprintf("%s AS k%d", c, n) })
	}
	insert := "INSERT INTO temp._coditect_chosen VALUES (?" + strings.Repeat(", ?", width-1) + ")"
	if err := b.exec(ctx, "CREATE TEMP TABLE _coditect_chosen AS SELECT "+columns+" FROM then_."+quoted(k.table)+" WHERE 0; BEGIN"); err != nil {
		return err
	}
	for _, row := range k.values {
		if err := b.exec(ctx, insert, row...); err != nil {
			return err
		}
	}
	return b.exec(ctx, "COMMIT; CREATE INDEX temp._coditect_chosen_keys ON _coditect_chosen (k0)")
}

// among is the condition that a row a of the table is one of them. A blob is typed as SQLite writes it: X'00FF'.
func (k *keys) among(t *backTable) (string, error) {
	switch {
	case k == nil:
		return "", nil
	case k.key == nil && len(t.key) > 1:
		return "", app.Errorf(app.CodeInvalid, "restore", "The key of %s has %d columns, so an id names no row of it.", t.name, len(t.key)).
			WithHint("Choose its rows by a condition.").Typed("Choose its rows with --where.")
	case k.key == nil:
		return strings.ReplaceAll(" AND CASE typeof(KEY) WHEN 'blob' THEN quote(KEY) IN (SELECT upper(k0) FROM temp._coditect_chosen)"+
			" ELSE CAST(KEY AS TEXT) IN (SELECT k0 FROM temp._coditect_chosen) END", "KEY", "a."+quoted(t.key[0])), nil
	}
	n := -1
	same := each(k.key, " AND ", func(c string) string { n++; return fmt.Sprintf("c.k%d = a.%s", n, c) })
	return " AND EXISTS (SELECT 1 FROM temp._coditect_chosen AS c WHERE " + same + ")", nil
}
