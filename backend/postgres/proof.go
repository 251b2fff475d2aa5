package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// proofTime is the most that hashing one table may take. A second is enough for some 150,000 rows on a busy machine.
const proofTime = "120s"

// Proof counts and hashes tables; see backend.Store.
func (s *Store) Proof(ctx context.Context, p backend.Principal, names []string) ([]pushapi.TableHash, error) {
	tables, err := s.chosen(names)
	if err != nil {
		return nil, err
	}
	var out []pushapi.TableHash
	err = s.within(ctx, p, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		out, err = hash(ctx, tx, tables)
		return err
	})
	if err != nil && backend.CodeOf(err) == backend.Internal {
		err = backend.Errorf(backend.Unavailable, "The database could not count the rows now.").Wrap(scrub(err))
	}
	return out, err
}

// chosen are the tables of these names, or all; in the order of config/schema, each once.
func (s *Store) chosen(names []string) ([]*table, error) {
	if len(names) == 0 {
		return s.order, nil
	}
	wanted := map[*table]bool{}
	for _, name := range names {
		if s.tables[name] == nil {
			return nil, backend.Errorf(backend.Invalid, "One of the tables asked for does not exist.")
		}
		wanted[s.tables[name]] = true
	}
	var out []*table
	for _, t := range s.order {
		if wanted[t] {
			out = append(out, t)
		}
	}
	return out, nil
}

// hash reads table after table, all in the snapshot of the transaction and each by one process: it has time, and others work.
func hash(ctx context.Context, tx pgx.Tx, tables []*table) ([]pushapi.TableHash, error) {
	batch := &pgx.Batch{}
	batch.Queue("SELECT set_config('statement_timeout', $1, true), set_config('max_parallel_workers_per_gather', '0', true)", proofTime)
	out := make([]pushapi.TableHash, len(tables))
	for i, t := range tables {
		out[i].Table = t.name
		batch.Queue(t.proof).QueryRow(func(row pgx.Row) error { return row.Scan(&out[i].Rows, &out[i].Sum) })
	}
	return out, tx.SendBatch(ctx, batch).Close()
}

// proofOf is the statement that hashes a table: an aggregate that keeps two numbers, however many rows there are.
func proofOf(t schema.Table) string {
	return "SELECT " + hashed("count(*)", rowText(t, false)) + " FROM app." + t.Name
}

// hashed is a number of rows and the sum of their hashes, in SQL.
func hashed(count, text string) string {
	const whole = "18446744073709551616"
	sum := "mod(mod(coalesce(sum(hashtextextended((" + text + ") COLLATE \"C\", 0)), 0), " + whole + ") + " + whole + ", " + whole + ")"
	return count + ", lpad(to_hex(div(" + sum + ", 4294967296)::bigint), 8, '0') || lpad(to_hex(mod(" + sum + ", 4294967296)::bigint), 8, '0')"
}

// rowText is the canonical text of a row, in SQL.
func rowText(t schema.Table, withoutOwner bool) string {
	var texts []string
	for _, c := range t.Columns {
		if withoutOwner && c.Name == userID {
			texts = append(texts, "'n'")
			continue
		}
		texts = append(texts, canonical(c))
	}
	return strings.Join(texts, " || ")
}

// canonical is the text of a column that pushapi.Proof describes. Adding 0 makes -0 to 0.
func canonical(c schema.Column) string {
	format := map[schema.Type]string{
		schema.Text:    "coalesce('t' || octet_length(%s) || ':' || %[1]s, 'n')",
		schema.Integer: "coalesce('i' || length(%s::text) || ':' || %[1]s, 'n')",
		schema.Real:    "coalesce('r16:' || encode(float8send(nullif(%s, 'NaN') + 0), 'hex'), 'n')",
	}[c.Type]
	return fmt.Sprintf(format, c.Name)
}
