package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
	lib "modernc.org/sqlite/lib"
)

// BringBack writes chosen rows of an image, a file that nobody writes, into the live file as any program would: rows that
// are gone come again, rows that changed get their old values, rows that are new since stay. In cloud mode that goes up as
// ordinary changes. With dry nothing is written, only counted.
//
// Rows go in slices, so that other programs wait for 200 ms at most; a call that is interrupted can be made again. progress,
// which may be nil, is told rows. The error is CodeInvalid for a table or a condition that the image does not understand,
// CodeRefused where a row cannot stand beside a newer one, CodeNotFound when a file is missing, CodeCanceled when ctx ends.
func (f *File) BringBack(ctx context.Context, image string, choice app.Choice, dry bool, progress func(done, total int64)) (app.Back, error) {
	var out app.Back
	m, err := imageMode(image)
	if err != nil {
		return out, classify("restore", image, err)
	}
	ids, err := chosen(ctx, image, m, choice)
	if err != nil {
		return out, err
	}
	err = f.withLive(ctx, "restore", modeWrite, func(c *conn) error {
		if err := c.exec(ctx, "ATTACH ? AS then_", uri(image, m)); err != nil {
			return err
		}
		b := &back{conn: c, ids: ids, told: progress}
		if b.owned, err = c.enrolled(ctx); err != nil {
			return err
		}
		for _, table := range choice.Tables {
			if err := b.list(ctx, table); err != nil {
				return err
			}
		}
		out = b.sum()
		if dry {
			return nil
		}
		return b.write(ctx)
	})
	return out, err
}

// chosen are the ids that a choice names; nil is every row of its tables. A condition is looked up in the image, which nothing
// can write, and more than one statement is refused.
func chosen(ctx context.Context, image string, m mode, choice app.Choice) (ids []string, err error) {
	narrow := choice.Where != "" || choice.IDs != nil
	switch {
	case len(choice.Tables) == 0:
		return nil, app.Errorf(app.CodeInvalid, "restore", "No table was chosen.").WithHint("Name one, such as decisions.")
	case narrow && len(choice.Tables) > 1, choice.Where != "" && choice.IDs != nil:
		return nil, app.Errorf(app.CodeInvalid, "restore", "Rows are chosen by id or by a condition, and of one table.").WithHint("Choose them table by table.")
	case choice.Where == "":
		return choice.IDs, nil
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
	if s == nil || len(s.key) != 1 {
		return nil, noKey(choice.Tables[0], s != nil)
	}
	ids = []string{}
	query := "SELECT CAST(" + quoted(s.key[0]) + " AS TEXT) FROM " + quoted(choice.Tables[0]) + " WHERE (" + choice.Where + "\n)"
	err = r.each(ctx, query, func(stmt uintptr) error {
		ids = append(ids, r.utf8Text(stmt, 0))
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return nil, app.Errorf(app.CodeInvalid, "restore", "The condition is not understood: %s", err).
			WithHint("It is what stands behind WHERE, such as: created_at > '2026-11-01'.").Wrap(err)
	}
	return ids, classify("restore", image, err)
}

// noKey refuses a table whose rows cannot be told apart, or that is not there.
func noKey(table string, there bool) error {
	if !there {
		return app.Errorf(app.CodeInvalid, "restore", "There is no table %s in both, that moment and now.", table).
			WithHint("Save that moment as a new file, and look there.").Typed("Restore that moment to a file of its own with --to FILE, and look there.")
	}
	return app.Errorf(app.CodeInvalid, "restore", "The rows of %s cannot be told apart: it has no key of one column.", table).
		WithHint("Save that moment as a new file.").Typed("Restore that moment to a file of its own with --to FILE.")
}

// back is one call of BringBack.
type back struct {
	*conn
	ids    []string
	owned  bool // the cloud says whose a row is
	tables []backTable
	told   func(done, total int64)
}

type backTable struct {
	name, list string // list is the temporary table with the rows to be written
	columns    []string
	key        string
	app.TableBack
	projects []string
}

// list finds what of a table is to be written, without a lock that anybody waits for.
func (b *back) list(ctx context.Context, table string) error {
	t := backTable{name: table, list: fmt.Sprintf("temp._coditect_back%d", len(b.tables)), TableBack: app.TableBack{Table: table}}
	if err := b.shape(ctx, &t); err != nil {
		return err
	}
	var differs []string
	for _, column := range t.columns {
		if column != t.key {
			differs = append(differs, "a."+quoted(column)+" COLLATE BINARY IS NOT m."+quoted(column))
		}
	}
	k := quoted(t.key)
	where, args := "", []any{}
	if b.ids != nil {
		list, err := json.Marshal(b.ids)
		if err != nil {
			return err
		}
		where, args = " AND CAST(a."+k+" AS TEXT) IN (SELECT value FROM json_each(?))", append(args, string(list))
	}
	differs = append(differs, "m."+k+" IS NULL")
	query := fmt.Sprintf("CREATE TEMP TABLE %s AS SELECT a.%s AS k, m.%s IS NULL AS gone FROM then_.%s AS a LEFT JOIN main.%s AS m ON m.%s = a.%s WHERE a.%s IS NOT NULL AND (%s)%s",
		strings.TrimPrefix(t.list, "temp."), k, k, quoted(table), quoted(table), k, k, k, strings.Join(differs, " OR "), where)
	if err := b.exec(ctx, query, args...); err != nil {
		return err
	}
	var total int64
	err := b.one(ctx, "SELECT count(*), total(gone) FROM "+t.list, nil, &total, &t.Again)
	t.Changed = total - t.Again
	if err == nil && slices.Contains(t.columns, "project_id") {
		t.projects, err = texts(ctx, b.conn, fmt.Sprintf("SELECT DISTINCT a.project_id FROM %s AS l JOIN then_.%s AS a ON a.%s = l.k WHERE a.project_id IS NOT NULL", t.list, quoted(table), k))
	} else if err == nil && table == schema.Projects {
		t.projects, err = texts(ctx, b.conn, "SELECT k FROM "+t.list)
	}
	b.tables = append(b.tables, t)
	return err
}

// shape reads the columns that both sides have.
func (b *back) shape(ctx context.Context, t *backTable) error {
	const columns = "SELECT name FROM pragma_table_xinfo(?1, ?2) WHERE hidden = 0"
	keys := map[string]string{}
	for _, side := range []string{"main", "then_"} {
		got, err := texts(ctx, b.conn, "SELECT name FROM pragma_table_xinfo(?1, ?2) WHERE pk > 0", t.name, side)
		if err != nil {
			return err
		}
		keys[side] = strings.Join(got, "\x00")
	}
	var err error
	t.columns, err = texts(ctx, b.conn, columns+" AND name IN (SELECT name FROM pragma_table_xinfo(?1, 'then_') WHERE hidden = 0) ORDER BY cid", t.name, "main")
	t.key = keys["main"]
	switch {
	case err != nil:
		return err
	case len(t.columns) == 0 || bookkeeping(t.name):
		return noKey(t.name, false)
	case t.key == "" || strings.Contains(t.key, "\x00") || t.key != keys["then_"]:
		return noKey(t.name, true)
	}
	if _, ours := searched(t.name); ours && b.owned {
		t.columns = slices.DeleteFunc(t.columns, func(c string) bool { return c == ownerColumn })
	}
	return nil
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
				return err
			}
			if done = min(done+backRows, total); b.told != nil {
				b.told(done, total)
			}
		}
	}
	return nil
}

// slice is one statement and one transaction. It begins with the write, not BEGIN IMMEDIATE, which would want to lock the image.
func (b *back) slice(ctx context.Context, t backTable, from int64) error {
	var names, sets []string
	for _, column := range t.columns {
		names = append(names, quoted(column))
		if column != t.key {
			sets = append(sets, quoted(column)+" = excluded."+quoted(column))
		}
	}
	k := quoted(t.key)
	then := "NOTHING"
	if len(sets) > 0 {
		then = "UPDATE SET " + strings.Join(sets, ", ")
	}
	query := fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM then_.%s WHERE %s IN (SELECT k FROM %s WHERE rowid > ? AND rowid <= ?) ON CONFLICT (%s) DO %s",
		quoted(t.name), strings.Join(names, ", "), strings.Join(names, ", "), quoted(t.name), k, t.list, k, then)
	err := b.exec(ctx, query, from, from+backRows)
	if primary(err) == lib.SQLITE_CONSTRAINT {
		return app.Errorf(app.CodeRefused, "restore", "A row of %s cannot come back beside a newer one.", t.name).
			WithHint("Save that moment as a new file, and bring the row back by hand.").
			Typed("Restore that moment to a file of its own with --to FILE, and bring the row back by hand.").Wrap(err)
	}
	return err
}
