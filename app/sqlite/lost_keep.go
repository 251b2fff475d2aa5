package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// lostItem is what goes into lost & found.
type lostItem struct {
	origin       string // what it is elsewhere, so that it is kept once; "" for nothing
	kind         app.LostKind
	tbl, id, op  string
	mine, theirs []byte
	code, why    string
	by, machine  string
}

// KeepLost puts items into lost & found, such as values that lost a conflict in the cloud (GET /v1/lost). An item with an ID
// is kept once, however often it is given: the ID is the item's name where it comes from, and not the one under which Lost
// lists it.
func (f *File) KeepLost(ctx context.Context, items ...app.LostItem) error {
	return f.writing(ctx, "lost", func(c *conn) error {
		if err := c.makeBookkeeping(ctx); err != nil {
			return err
		}
		for _, i := range items {
			item := lostItem{i.ID, i.Kind, i.Table, i.Row, i.Op, i.Mine, i.Theirs, i.Code, i.Why, i.By, i.Machine}
			at := i.At
			if at.IsZero() {
				at = f.now()
			}
			if err := c.keepLost(ctx, item, at.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *conn) keepLost(ctx context.Context, i lostItem, at int64) error {
	origin := sql.NullString{String: i.origin, Valid: i.origin != ""}
	return c.exec(ctx, "INSERT OR IGNORE INTO "+upLost+" (origin, at, kind, tbl, id, op, mine, theirs, code, why, by, machine) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		origin, at, string(i.kind), i.tbl, i.id, i.op, nullable(i.mine), nullable(i.theirs), i.code, i.why, i.by, i.machine)
}

func nullable(text []byte) any {
	if text == nil {
		return nil
	}
	return string(text)
}

// loseEntries moves the entries that a range has of a row into one item. Where the row itself is about to go, all of it is
// kept, and not what was changed alone.
func (f *File) loseEntries(ctx context.Context, c *conn, item lostItem, first, last int64, rowStays bool) error {
	t, ours := searched(item.tbl)
	mine, op, err := c.merged(ctx, t, item.id, first, last)
	if err != nil {
		return err
	}
	if !rowStays && ours && op == opPatch {
		whole, err := c.rowJSON(ctx, t, item.id)
		if err != nil {
			return err
		}
		if whole != nil {
			mine, op = whole, opPut
		}
	}
	item.mine, item.op = mine, op
	return errors.Join(c.keepLost(ctx, item, f.now().UnixMilli()), c.noteClock(ctx),
		c.exec(ctx, "DELETE FROM "+upQueue+" WHERE tbl = ? AND id = ? AND seq BETWEEN ? AND ?", item.tbl, item.id, first, last))
}

// merged is what the entries of a row in a range come to.
func (c *conn) merged(ctx context.Context, t schema.Table, id string, first, last int64) (mine []byte, op string, err error) {
	rows, err := c.QueryContext(ctx, "SELECT op, ifnull(mask, -1), "+slotList("v%d")+" FROM "+upQueue+" WHERE tbl = ? AND id = ? AND seq BETWEEN ? AND ? ORDER BY seq",
		t.Name, id, first, last)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	op = opDelete
	values := map[int]any{}
	for rows.Next() {
		var this string
		var mask int64
		got := make([]any, slots())
		targets := []any{&this, &mask}
		for i := range got {
			targets = append(targets, &got[i])
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, "", err
		}
		switch this {
		case opPut, opEnrol:
			op = opPut
		case opPatch:
			if op != opPut {
				op = opPatch
			}
		default:
			op, mask, values = opDelete, 0, map[int]any{}
		}
		for i := range t.Columns[min(1, len(t.Columns)):] {
			if mask>>i&1 == 1 {
				values[i] = got[i]
			}
		}
	}
	return objectJSON(t, values), op, rows.Err()
}

// rowJSON is the row as it is now, nil if there is none.
func (c *conn) rowJSON(ctx context.Context, t schema.Table, id string) ([]byte, error) {
	var names []string
	got := make([]any, len(t.Columns)-1)
	targets := make([]any, len(got))
	for i, column := range t.Columns[1:] {
		names, targets[i] = append(names, column.Name), &got[i]
	}
	err := c.one(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+t.Name+" WHERE id = ?", []any{id}, targets...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	values := map[int]any{}
	for i := range got {
		values[i] = got[i]
	}
	return objectJSON(t, values), nil
}

// objectJSON is an object of the columns that have a value.
func objectJSON(t schema.Table, values map[int]any) []byte {
	b := []byte{'{'}
	for i, column := range t.Columns[min(1, len(t.Columns)):] {
		v, there := values[i]
		if !there {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = appendAny(append(b, `"`+column.Name+`":`...), v)
	}
	return append(b, '}')
}

func appendAny(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case string:
		if !utf8.ValidString(v) {
			return appendTagged(b, "text", []byte(v))
		}
		return appendText(b, []byte(v))
	case []byte:
		return appendTagged(b, "blob", v)
	}
	return append(b, "null"...)
}

// loseUnsendable moves entries into lost & found that cannot be told to the cloud at all. Their rows stay as they are.
func (f *File) loseUnsendable(ctx context.Context, c *conn, seqs []int64) error {
	for _, seq := range seqs {
		found, err := c.entries(ctx, seq, seq)
		if err != nil || len(found) == 0 {
			return err
		}
		e := found[0]
		item := lostItem{kind: app.LostRejected, tbl: e.tbl, id: e.id, code: string(pushapi.BadValue), why: "Its id is no text that the cloud can keep."}
		if len(e.id) <= pushapi.MaxID && e.id != "" && utf8.ValidString(e.id) && !hasNUL(e.id) {
			item.code, item.why = string(pushapi.TooLarge), fmt.Sprintf("It is larger than the %d MB that the cloud takes in one row.", pushapi.MaxChange>>20)
		}
		t, _ := searched(e.tbl)
		if item.mine, item.op, err = c.mergedAt(ctx, t, seq); err != nil {
			return err
		}
		if err := errors.Join(c.keepLost(ctx, item, f.now().UnixMilli()), c.exec(ctx, "DELETE FROM "+upQueue+" WHERE seq = ?", seq)); err != nil {
			return err
		}
	}
	return nil
}

// mergedAt is merged for a single entry, whose id may be anything.
func (c *conn) mergedAt(ctx context.Context, t schema.Table, seq int64) (mine []byte, op string, err error) {
	var mask int64
	got := make([]any, slots())
	targets := []any{&op, &mask}
	for i := range got {
		targets = append(targets, &got[i])
	}
	err = c.one(ctx, "SELECT op, ifnull(mask, -1), "+slotList("v%d")+" FROM "+upQueue+" WHERE seq = ?", []any{seq}, targets...)
	if err != nil {
		return nil, "", err
	}
	values := map[int]any{}
	for i := range got {
		if mask>>i&1 == 1 && op != opDelete && op != opMaybe {
			values[i] = got[i]
		}
	}
	return objectJSON(t, values), wireOp(op), nil
}

// currentOf is the row as the server has it, from its answer; known tells whether it says so.
func currentOf(r pushapi.Result, e entry) (data []byte, known bool) {
	for _, row := range r.Current {
		if row.Table == e.tbl && row.ID == e.id {
			if len(row.Data) == 0 {
				return []byte("null"), true
			}
			return row.Data, true
		}
	}
	return nil, false
}

// putBack makes a row what it is in the cloud. Capture is off.
func (c *conn) putBack(ctx context.Context, t schema.Table, id string, theirs []byte) error {
	if string(theirs) == "null" {
		return c.exec(ctx, "DELETE FROM "+t.Name+" WHERE id = ?", id)
	}
	names, values, err := columnsOf(t, theirs)
	if err != nil {
		return err
	}
	return c.upsert(ctx, t, id, names, values)
}

// upsert writes values into a row, and makes it where it is not there.
func (c *conn) upsert(ctx context.Context, t schema.Table, id string, names []string, values []any) error {
	if len(names) == 0 {
		return nil
	}
	sets := make([]string, len(names))
	for i, n := range names {
		sets[i] = n + " = excluded." + n
	}
	return c.exec(ctx, fmt.Sprintf("INSERT INTO %s (id, %s) VALUES (?%s) ON CONFLICT (id) DO UPDATE SET %s",
		t.Name, strings.Join(names, ", "), strings.Repeat(", ?", len(names)), strings.Join(sets, ", ")), append([]any{id}, values...)...)
}

// columnsOf reads an object of columns and values. Columns that this program does not know are left out.
func columnsOf(t schema.Table, object []byte) (names []string, values []any, err error) {
	if !json.Valid(object) {
		return nil, nil, errors.New("a row of the cloud is no JSON")
	}
	for name, raw := range pushapi.Members(object) {
		i := slot(t, name)
		if i < 0 {
			continue
		}
		v, err := valueOf(t.Columns[i+1], raw)
		if err != nil {
			return nil, nil, fmt.Errorf("%s.%s: %w", t.Name, name, err)
		}
		names, values = append(names, name), append(values, v)
	}
	return names, values, nil
}

// valueOf is a value of JSON as its column has it.
func valueOf(column schema.Column, raw []byte) (any, error) {
	switch {
	case string(raw) == "null":
		return nil, nil
	case raw[0] == '{':
		return untag(raw)
	case string(raw) == `"Infinity"` && column.Type == schema.Real:
		return math.Inf(1), nil
	case string(raw) == `"-Infinity"` && column.Type == schema.Real:
		return math.Inf(-1), nil
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case column.Type == schema.Real:
		return strconv.ParseFloat(string(raw), 64)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, nil
	}
	return strconv.ParseFloat(string(raw), 64)
}
