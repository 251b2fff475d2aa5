package oplog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
)

// relation is a table of the source with the columns it has now.
type relation struct {
	name    string
	number  int16
	columns []row.Column
	full    bool  // changes carry the whole row as it was
	key     []int // indexes of the primary key's columns
	match   *rules.Matcher
}

// uuid identifies a row of the source, or a grant of one.
type uuid [16]byte

// newRelation applies the definition to a table. The primary key comes from the catalog, because with REPLICA IDENTITY
// FULL the stream of changes does not tell it.
func newRelation(ctx context.Context, conn *pgx.Conn, d rules.Definition, m relationMessage) (*relation, error) {
	names := make([]string, len(m.columns))
	for i, c := range m.columns {
		names[i] = c.Name
	}
	match, err := d.Matcher(m.name, names)
	if err != nil {
		return nil, err
	}
	key, err := primaryKey(ctx, conn, m.schema, m.name)
	if err != nil {
		return nil, err
	}
	r := &relation{name: m.name, columns: m.columns, full: m.full, match: match}
	for _, name := range key {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("table %s does not publish its key column %s", m.name, name)
		}
		r.key = append(r.key, i)
	}
	return r, nil
}

func primaryKey(ctx context.Context, conn *pgx.Conn, schema, table string) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT a.attname::text FROM pg_index i
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		WHERE i.indrelid = format('%I.%I', $1::text, $2::text)::regclass AND i.indisprimary ORDER BY a.attnum`, schema, table)
	if err != nil {
		return nil, fmt.Errorf("read the primary key of %s: %w", table, err)
	}
	key, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(key) == 0 {
		err = fmt.Errorf("table %s has no primary key", table)
	}
	return key, err
}

// rowKey identifies a row. The values are those of the key columns only, or of all.
func (r *relation) rowKey(values []row.Value) uuid {
	text := append([]byte(r.name), 0)
	for _, i := range r.key {
		text = binary.AppendUvarint(text, uint64(len(values[i].Data)))
		text = append(text, values[i].Data...)
	}
	sum := sha256.Sum256(text)
	return uuid(sum[:16])
}

// grantKey identifies what a row gives through one lookup.
func grantKey(row uuid, lookup string) uuid {
	sum := sha256.Sum256(append(row[:], lookup...))
	return uuid(sum[:16])
}

// sends says whether a column is in the table's documents.
func (r *relation) sends(column int) bool { return slices.Contains(r.match.Document, column) }

func value(values []row.Value) rules.Value {
	return func(column int) (string, bool) { return values[column].Get() }
}
