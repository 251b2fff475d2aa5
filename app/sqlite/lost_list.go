package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

var _ app.Finder = (*File)(nil)

const lostColumns = "item, at, kind, tbl, id, op, mine, theirs, code, why, by, machine"

// Lost lists what is in lost & found, newest first. See app.Finder.
func (f *File) Lost(ctx context.Context) (items []app.LostItem, err error) {
	err = f.reading(ctx, "lost", func(c *conn) error {
		there, err := c.kept(ctx)
		if err != nil || !there {
			return err
		}
		rows, err := c.QueryContext(ctx, "SELECT "+lostColumns+" FROM "+upLost+" ORDER BY item DESC")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			item, err := scanLost(rows.Scan)
			if err != nil {
				return err
			}
			items = append(items, item)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		return c.addInUse(ctx, items)
	})
	return items, err
}

// addInUse adds the version that won a conflict where the cloud did not send it along: the row as the file has it.
func (c *conn) addInUse(ctx context.Context, items []app.LostItem) error {
	for n := range items {
		i := &items[n]
		t, ours := searched(i.Table)
		if !ours || i.Kind != app.LostConflict || i.Theirs != nil {
			continue
		}
		row, err := c.rowJSON(ctx, t, i.Row)
		if err != nil {
			return err
		}
		if i.Theirs = row; row == nil {
			i.Theirs = json.RawMessage("null")
		}
	}
	return nil
}

func scanLost(scan func(...any) error) (i app.LostItem, err error) {
	var number, at int64
	var mine, theirs sql.NullString
	err = scan(&number, &at, &i.Kind, &i.Table, &i.Row, &i.Op, &mine, &theirs, &i.Code, &i.Why, &i.By, &i.Machine)
	i.ID, i.At = strconv.FormatInt(number, 10), time.UnixMilli(at).UTC()
	if mine.Valid {
		i.Mine = json.RawMessage(mine.String)
	}
	if theirs.Valid {
		i.Theirs = json.RawMessage(theirs.String)
	}
	_, ours := searched(i.Table)
	i.Reappliable = ours && (i.Op == opPut || i.Op == opPatch || i.Op == opDelete)
	i.Both = i.Reappliable && i.Kind == app.LostConflict && i.Op != opDelete && !referred(i.Table)
	return i, err
}

// LostItem is one item. The error is CodeNotFound when it is not there.
func (f *File) LostItem(ctx context.Context, id string) (item app.LostItem, err error) {
	err = f.reading(ctx, "lost", func(c *conn) error {
		item, err = c.lostItem(ctx, id)
		return err
	})
	return item, err
}

func (c *conn) lostItem(ctx context.Context, id string) (app.LostItem, error) {
	none := app.Errorf(app.CodeNotFound, "lost", "There is no item %s in lost & found.", id).Typed("`coditect-sync lost list` shows what there is.")
	there, err := c.kept(ctx)
	number, parse := strconv.ParseInt(id, 10, 64)
	if err != nil || !there || parse != nil {
		return app.LostItem{}, errors.Join(err, none)
	}
	item, err := scanLost(func(targets ...any) error {
		return c.one(ctx, "SELECT "+lostColumns+" FROM "+upLost+" WHERE item = ?", []any{number}, targets...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return item, none
	}
	return item, err
}

// ReapplyLost writes an item's values into the file as an ordinary change, which is captured and goes up like any other, and
// removes the item. The error is CodeNotFound when it is not there, CodeRefused when it cannot be written: a change of
// columns of a row that is gone, for instance.
func (f *File) ReapplyLost(ctx context.Context, id string) (item app.LostItem, err error) {
	err = f.writing(ctx, "lost", func(c *conn) error {
		if item, err = c.lostItem(ctx, id); err != nil {
			return err
		}
		if err := c.reapplyItem(ctx, item); err != nil {
			return err
		}
		return c.exec(ctx, "DELETE FROM "+upLost+" WHERE item = ?", id)
	})
	return item, err
}

func (c *conn) reapplyItem(ctx context.Context, item app.LostItem) error {
	t, ours := searched(item.Table)
	if !ours {
		return app.Errorf(app.CodeRefused, "lost", "The item is of a table that this version does not know.").WithHint("It stays in lost & found.").
			Typed("Export it with `coditect-sync lost export`.")
	}
	if item.Op == opDelete {
		return c.exec(ctx, "DELETE FROM "+t.Name+" WHERE id = ?", item.Row)
	}
	names, values, err := columnsOf(t, item.Mine)
	if err != nil {
		return app.Errorf(app.CodeRefused, "lost", "The item cannot be read as values of %s.", t.Name).WithHint("It stays in lost & found.").
			Typed("Export it with `coditect-sync lost export`.").Wrap(err)
	}
	if item.Op == opPut {
		err = c.upsert(ctx, t, item.Row, names, values)
	} else {
		err = c.patchRow(ctx, t, item.Row, names, values)
	}
	if primary(err) == lib.SQLITE_CONSTRAINT {
		return app.Errorf(app.CodeRefused, "lost", "The table %s does not take these values.", t.Name).WithHint("Export the item and enter it by hand.").Wrap(err)
	}
	return err
}

// referred tells that other rows name a row of the table, so that a second one beside it would be an empty shell.
func referred(table string) bool { return table == schema.Projects || table == schema.Sessions }

// KeepBoth writes an item's values as a row with an id of its own, its other columns as they are in the version in use, and
// removes the item. Like ReapplyLost it is an ordinary change.
func (f *File) KeepBoth(ctx context.Context, id string) (item app.LostItem, err error) {
	err = f.writing(ctx, "lost", func(c *conn) error {
		if item, err = c.lostItem(ctx, id); err != nil {
			return err
		}
		if !item.Both {
			return app.Errorf(app.CodeRefused, "lost", "Of this item one version can be kept.").WithHint("Keep yours or the one in use.")
		}
		if err := c.insertBeside(ctx, item); err != nil {
			return err
		}
		return c.exec(ctx, "DELETE FROM "+upLost+" WHERE item = ?", id)
	})
	return item, err
}

// insertBeside makes a row of the item's values. Whose it is, its id and its times are its own.
func (c *conn) insertBeside(ctx context.Context, item app.LostItem) error {
	t, _ := searched(item.Table) // it is ours, or Both would be false
	names, values, err := columnsOf(t, item.Mine)
	if err != nil {
		return app.Errorf(app.CodeRefused, "lost", "The item cannot be read as values of %s.", t.Name).WithHint("It stays in lost & found.").
			Typed("Export it with `coditect-sync lost export`.").Wrap(err)
	}
	var into, from []string
	var args []any
	for _, column := range t.Columns[1:] {
		at := slices.Index(names, column.Name)
		switch {
		case slices.Contains(own, column.Name):
			continue
		case at >= 0:
			from, args = append(from, "?"), append(args, values[at])
		default:
			from = append(from, column.Name)
		}
		into = append(into, column.Name)
	}
	result, err := c.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE id = ?", t.Name,
		strings.Join(into, ", "), strings.Join(from, ", "), t.Name), append(args, item.Row)...)
	if primary(err) == lib.SQLITE_CONSTRAINT {
		return app.Errorf(app.CodeRefused, "lost", "The table %s does not take a second row like this.", t.Name).WithHint("Keep yours or the one in use.").Wrap(err)
	}
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return app.Errorf(app.CodeRefused, "lost", "The version in use is not in the file any more.").WithHint("Keep yours instead.")
}

// own are the columns that a row does not take over from another.
var own = []string{"user_id", "created_at", "updated_at"}

// patchRow writes values into a row that must be there.
func (c *conn) patchRow(ctx context.Context, t schema.Table, id string, names []string, values []any) error {
	if len(names) == 0 {
		return nil
	}
	result, err := c.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s WHERE id = ?", t.Name, assignments(names)), append(values, id)...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return app.Errorf(app.CodeRefused, "lost", "The row is not in the file any more, and the item has only some of its columns.").
		WithHint("Export the item and enter it by hand.")
}

func assignments(names []string) string { return strings.Join(names, " = ?, ") + " = ?" }

// DiscardLost removes an item for good. The error is CodeNotFound when it is not there.
func (f *File) DiscardLost(ctx context.Context, id string) error {
	return f.writing(ctx, "lost", func(c *conn) error {
		if _, err := c.lostItem(ctx, id); err != nil {
			return err
		}
		return c.exec(ctx, "DELETE FROM "+upLost+" WHERE item = ?", id)
	})
}

// ExportLost writes all items as JSON, one a line, oldest first.
func (f *File) ExportLost(ctx context.Context, w io.Writer) error {
	items, err := f.Lost(ctx)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	for i := len(items) - 1; i >= 0; i-- {
		if err := enc.Encode(items[i]); err != nil {
			return app.Errorf(app.CodeFailed, "lost", "The items could not be written.").Wrap(err)
		}
	}
	return nil
}

// untag is the value of what had no place in its column (see appendValue).
func untag(raw []byte) (any, error) {
	var tagged struct{ Blob, Text *string }
	if err := json.Unmarshal(raw, &tagged); err != nil {
		return nil, err
	}
	switch {
	case tagged.Blob != nil:
		return hex.DecodeString(*tagged.Blob)
	case tagged.Text != nil:
		b, err := hex.DecodeString(*tagged.Text)
		return string(b), err
	}
	return string(raw), nil
}
