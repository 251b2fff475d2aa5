package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	lib "modernc.org/sqlite/lib"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// indexer makes the index agree with rows, through a connection that holds the write lock. It goes through SQLite's C
// interface, because what it runs for each row costs less than the driver does. The caller closes it before the connection
// is used otherwise or closed.
type indexer struct {
	r     *raw
	stmts map[string]*stmt
}

func newIndexer(c *conn) (*indexer, error) {
	r, err := c.throughC("")
	if err != nil {
		return nil, err
	}
	return &indexer{r: r, stmts: map[string]*stmt{}}, nil
}

func (x *indexer) close() {
	for _, s := range x.stmts {
		s.close()
	}
}

// ready is a statement with texts and numbers bound.
func (x *indexer) ready(query string, args ...any) (*stmt, error) {
	s, ok := x.stmts[query]
	if !ok {
		var err error
		if s, err = x.r.statement(query); err != nil {
			return nil, err
		}
		x.stmts[query] = s
	}
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			s.text(i+1, []byte(v))
		case []byte:
			s.text(i+1, v)
		case int64:
			s.int(i+1, v)
		}
	}
	return s, nil
}

func (x *indexer) run(query string, args ...any) error {
	s, err := x.ready(query, args...)
	if err == nil {
		_, err = s.run()
	}
	return err
}

// rowNow is a row as it is, and as it was indexed.
type rowNow struct {
	doc          int64 // 0 while it is not indexed
	body, before []byte
	hash         []byte // of a message; nil where it has none
	empty        bool   // a message without content
}

// index makes the index agree with the row as it is now.
func (x *indexer) index(table schema.Table, id string) error {
	row, there, err := x.look(table, id)
	if err != nil {
		return err
	}
	if !there {
		return x.unindex(table.Name, id)
	}
	switch {
	case row.doc == 0:
		err = x.insert(table.Name, id, row.body)
	case !bytes.Equal(row.before, row.body):
		err = x.run("UPDATE "+searchIndex+" SET body = ?1 WHERE rowid = ?2", row.body, row.doc)
	}
	if err != nil || table.Name != schema.Messages {
		return err
	}
	return x.fillHash(id, row)
}

func (x *indexer) look(table schema.Table, id string) (row rowNow, there bool, err error) {
	hash := "NULL, 0"
	if table.Name == schema.Messages {
		hash = "t.hash, t.content IS NULL"
	}
	s, err := x.ready("SELECT d.doc, "+bodySQL(table)+", CASE WHEN d.doc IS NOT NULL THEN (SELECT i.body FROM "+searchIndex+" AS i WHERE i.rowid = d.doc) END, "+hash+
		" FROM "+table.Name+" AS t LEFT JOIN "+searchDocs+" AS d ON d.kind = '"+table.Name+"' AND d.id = ?1 WHERE t.id = ?1", id)
	if err != nil {
		return row, false, err
	}
	if there, err = s.step(); err != nil || !there {
		return row, false, err
	}
	row = rowNow{doc: s.colInt(0), body: s.colText(1), before: s.colText(2), hash: s.colText(3), empty: s.colInt(4) != 0}
	s.reset()
	return row, true, nil
}

// bodySQL joins the searched columns. A message's body is its content and nothing else (see fillHash).
func bodySQL(t schema.Table) string {
	parts := t.SearchColumns()
	for i, c := range parts {
		parts[i] = "ifnull(t." + c + ", '')"
	}
	return strings.Join(parts, " || char(10) || ")
}

func (x *indexer) insert(kind, id string, body []byte) error {
	if err := x.run("INSERT INTO "+searchDocs+" (kind, id) VALUES (?1, ?2)", kind, id); err != nil {
		return err
	}
	doc := lib.Xsqlite3_last_insert_rowid(x.r.tls, x.r.db)
	return x.run("INSERT INTO "+searchIndex+" (rowid, kind, id, body) VALUES (?1, ?2, ?3, ?4)", doc, kind, id, body)
}

func (x *indexer) unindex(kind, id string) error {
	err := x.run("DELETE FROM "+searchIndex+" WHERE rowid = (SELECT doc FROM "+searchDocs+" WHERE kind = ?1 AND id = ?2)", kind, id)
	if err != nil {
		return err
	}
	return x.run("DELETE FROM "+searchDocs+" WHERE kind = ?1 AND id = ?2", kind, id)
}

// fillHash gives a message its content hash: where it has none, and where the one it has fits the content indexed
// before, so that it was ours or made like ours. No other hash is touched.
func (x *indexer) fillHash(id string, row rowNow) error {
	if row.empty || row.hash != nil && row.doc == 0 {
		return nil
	}
	now := contentHash(string(row.body))
	stale := row.doc != 0 && string(row.hash) == contentHash(string(row.before))
	if string(row.hash) == now || row.hash != nil && !stale {
		return nil
	}
	return x.run("UPDATE OR IGNORE messages SET hash = ?1 WHERE id = ?2", now, id) // somebody may want hashes to be unique
}

func contentHash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}
