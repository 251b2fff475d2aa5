package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// note says that a row changed, came or went; or, as a sweep, that every row of a table after an id must be looked at.
type note struct{ kind, id string }

// sweepMark begins the kind of a sweep. A sweep goes on as a new note where its slice ended.
const sweepMark = "*"

func sweepOf(kind, after string) note { return note{sweepMark + kind, after} }

func add(ctx context.Context, c *conn, n note) error {
	return c.exec(ctx, "INSERT INTO "+searchNotes+" VALUES (?, ?)", n.kind, n.id)
}

// drain indexes noted rows until deadline, and at least one. The caller holds the write lock.
func drain(ctx context.Context, c *conn, deadline time.Time) (n int, err error) {
	notes, rowids, err := readNotes(ctx, c)
	if err != nil {
		return 0, err
	}
	seen := make(map[note]bool, len(notes))
	done := int64(0)
	for i, noted := range notes {
		if !seen[noted] {
			seen[noted] = true
			looked, err := follow(ctx, c, noted, deadline)
			if err != nil {
				return 0, err
			}
			n += looked
		}
		if done = rowids[i]; time.Now().After(deadline) {
			break
		}
	}
	return n, c.exec(ctx, "DELETE FROM "+searchNotes+" WHERE rowid <= ?", done)
}

// follow does what a note asks and returns how many rows it looked at. A note of no table of ours asks nothing.
func follow(ctx context.Context, c *conn, n note, deadline time.Time) (int, error) {
	kind, sweeping := strings.CutPrefix(n.kind, sweepMark)
	table, ours := searched(kind)
	switch {
	case !ours:
		return 0, nil
	case sweeping:
		return sweep(ctx, c, table, n.id, deadline)
	}
	return 1, index(ctx, c, table, n.id)
}

func searched(kind string) (schema.Table, bool) {
	for _, t := range schema.Tables() {
		if t.Name == kind {
			return t, true
		}
	}
	return schema.Table{}, false
}

// sweep looks at the rows after an id until deadline, and notes where to go on.
func sweep(ctx context.Context, c *conn, table schema.Table, after string, deadline time.Time) (n int, err error) {
	ids, err := texts(ctx, c, "SELECT id FROM "+table.Name+" WHERE id > ? ORDER BY id LIMIT ?", after, sliceNotes)
	if err != nil {
		return 0, err
	}
	for n < len(ids) && (n == 0 || time.Now().Before(deadline)) {
		if err := index(ctx, c, table, ids[n]); err != nil {
			return n, err
		}
		n++
	}
	if n == len(ids) && n < sliceNotes {
		return n, nil
	}
	return n, add(ctx, c, sweepOf(table.Name, ids[n-1]))
}

// readNotes reads the oldest notes and their rowids. What is noted in other words than ours reads as an empty note.
func readNotes(ctx context.Context, c *conn) (notes []note, rowids []int64, err error) {
	rows, err := c.QueryContext(ctx, "SELECT rowid, ifnull(kind, ''), ifnull(id, '') FROM "+searchNotes+" ORDER BY rowid LIMIT ?", sliceNotes)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n note
		var rowid int64
		if err := rows.Scan(&rowid, &n.kind, &n.id); err != nil {
			return nil, nil, err
		}
		notes, rowids = append(notes, n), append(rowids, rowid)
	}
	return notes, rowids, rows.Err()
}

// index makes the index agree with the row as it is now.
func index(ctx context.Context, c *conn, table schema.Table, id string) error {
	var body string
	n := note{table.Name, id}
	err := c.one(ctx, "SELECT "+bodySQL(table)+" FROM "+table.Name+" WHERE id = ?", []any{id}, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return unindex(ctx, c, n)
	}
	if err != nil {
		return err
	}
	before, err := put(ctx, c, n, body)
	if err != nil || table.Name != schema.Messages {
		return err
	}
	return fillHash(ctx, c, id, before)
}

// bodySQL joins the searched columns. A message's body is its content and nothing else (see fillHash).
func bodySQL(t schema.Table) string {
	parts := t.SearchColumns()
	for i, c := range parts {
		parts[i] = "ifnull(" + c + ", '')"
	}
	return strings.Join(parts, " || char(10) || ")
}

// put indexes body and returns the body indexed before it, nil if there was none.
func put(ctx context.Context, c *conn, n note, body string) (before *string, err error) {
	doc, err := docOf(ctx, c, n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, insertDoc(ctx, c, n, body)
	}
	if err != nil {
		return nil, err
	}
	var old string
	if err := c.one(ctx, "SELECT body FROM "+searchIndex+" WHERE rowid = ?", []any{doc}, &old); err != nil {
		return nil, err
	}
	if old == body {
		return &old, nil
	}
	return &old, c.exec(ctx, "UPDATE "+searchIndex+" SET body = ? WHERE rowid = ?", body, doc)
}

func docOf(ctx context.Context, c *conn, n note) (doc int64, err error) {
	err = c.one(ctx, "SELECT doc FROM "+searchDocs+" WHERE kind = ? AND id = ?", []any{n.kind, n.id}, &doc)
	return doc, err
}

func insertDoc(ctx context.Context, c *conn, n note, body string) error {
	err := c.exec(ctx, "INSERT INTO "+searchDocs+" (kind, id) VALUES (?, ?)", n.kind, n.id)
	if err != nil {
		return err
	}
	return c.exec(ctx, "INSERT INTO "+searchIndex+" (rowid, kind, id, body) VALUES (last_insert_rowid(), ?, ?, ?)", n.kind, n.id, body)
}

func unindex(ctx context.Context, c *conn, n note) error {
	doc, err := docOf(ctx, c, n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	err = c.exec(ctx, "DELETE FROM "+searchIndex+" WHERE rowid = ?", doc)
	return errors.Join(err, c.exec(ctx, "DELETE FROM "+searchDocs+" WHERE doc = ?", doc))
}

// fillHash gives a message its content hash: where it has none, and where the one it has fits the content indexed
// before, so that it was ours or made like ours. No other hash is touched.
func fillHash(ctx context.Context, c *conn, id string, before *string) error {
	var content, hash sql.NullString
	err := c.one(ctx, "SELECT content, hash FROM messages WHERE id = ?", []any{id}, &content, &hash)
	if err != nil || !content.Valid {
		return err
	}
	now := contentHash(content.String)
	stale := before != nil && hash.String == contentHash(*before)
	if hash.String == now || hash.Valid && !stale {
		return nil
	}
	return c.exec(ctx, "UPDATE messages SET hash = ? WHERE id = ?", now, id)
}

func contentHash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}
