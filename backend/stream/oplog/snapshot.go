package oplog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
)

// build makes the log anew from the tables as they are. The slot begins exactly where the snapshot ends. Clients of the
// log before are cut off, and find buckets of other names.
func (h *holder) build(ctx context.Context, r *replication) error {
	if err := h.reset(ctx); err != nil {
		return err
	}
	h.config.Log.Info("building the operation log, as soon as the transactions that are open now have ended")
	snapshot, from, err := r.createSlot(ctx, h.config.Slot)
	if err != nil {
		return err
	}
	if err := h.recall(ctx); err != nil {
		return err
	}
	h.empty = true
	if err := h.copyTables(ctx, snapshot); err != nil {
		return err
	}
	h.empty = false
	if err := h.begin(ctx); err != nil {
		return err
	}
	if _, err := h.tx.Exec(ctx, "UPDATE sync_log.state SET ready = true, rules = $1", h.config.Rules.Hash()); err != nil {
		return err
	}
	if h.state.lsn, err = parseLSN(from); err != nil {
		return err
	}
	if err := h.save(ctx); err != nil {
		return err
	}
	_, err = h.conn.Exec(ctx, "ANALYZE sync_log.ops, sync_log.buckets, sync_log.grants")
	return err
}

func parseLSN(text string) (lsn, error) {
	var high, low uint64
	if _, err := fmt.Sscanf(strings.Replace(text, "/", " ", 1), "%X %X", &high, &low); err != nil {
		return 0, fmt.Errorf("read the position %s: %w", text, err)
	}
	return lsn(high<<32 | low), nil
}

// reset drops what there was. Operation numbers go on growing, and the epoch makes other buckets of the same keys.
func (h *holder) reset(ctx context.Context) error {
	_, err := h.conn.Exec(ctx, `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL`, h.config.Slot)
	if err != nil {
		return err
	}
	if _, err := h.conn.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1`, h.config.Slot); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error {
		for _, sql := range []string{
			"TRUNCATE sync_log.ops, sync_log.buckets, sync_log.grants, sync_log.woken, sync_log.tables",
			"UPDATE sync_log.state SET ready = false, epoch = epoch + 1, seq = seq + 1",
			"SELECT pg_notify('" + Channel + "', '')",
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// copyTables reads every table of the definition as of the snapshot.
func (h *holder) copyTables(ctx context.Context, snapshot string) error {
	source, err := (&Writer{h.config}).connect(ctx)
	if err != nil {
		return err
	}
	defer closeSoon(source)
	if _, err := source.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return err
	}
	if _, err := source.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+snapshot+"'"); err != nil {
		return err
	}
	for _, table := range h.config.Rules.TableNames() {
		if err := h.copyTable(ctx, source, table); err != nil {
			return fmt.Errorf("copy table %s: %w", table, err)
		}
	}
	return nil
}

func (h *holder) copyTable(ctx context.Context, source *pgx.Conn, table string) error {
	full, err := h.published(ctx, source, table)
	if err != nil {
		return err
	}
	sql := "SELECT * FROM " + pgx.Identifier{h.config.Schema, table}.Sanitize()
	rows := source.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil)
	defer func() { _, _ = rows.Close() }() // a failure was returned before
	m := relationMessage{schema: h.config.Schema, name: table, full: full, columns: columns(rows.FieldDescriptions())}
	if err := h.learn(ctx, m); err != nil {
		return err
	}
	for rows.NextRow() {
		if err := h.note(ctx, changeMessage{now: texts(rows.Values())}); err != nil {
			return err
		}
		if h.tx != nil && len(h.changes) == 0 { // a chunk was written: let others see how far it is
			if err := h.save(ctx); err != nil {
				return err
			}
		}
	}
	if _, err := rows.Close(); err != nil {
		return err
	}
	return h.flushChanges(ctx)
}

// published fails for a table whose changes would never come, and says whether they will carry the row as it was.
func (h *holder) published(ctx context.Context, source *pgx.Conn, table string) (full bool, err error) {
	err = source.QueryRow(ctx, `SELECT c.relreplident = 'f' FROM pg_publication_tables p
		JOIN pg_class c ON c.oid = format('%I.%I', p.schemaname, p.tablename)::regclass
		WHERE p.pubname = $1 AND p.schemaname = $2 AND p.tablename = $3`, h.config.Publication, h.config.Schema, table).Scan(&full)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("the publication %s does not list the table", h.config.Publication)
	}
	return full, err
}

func columns(fields []pgconn.FieldDescription) []row.Column {
	all := make([]row.Column, len(fields))
	for i, f := range fields {
		all[i] = row.Column{Name: f.Name, Type: f.DataTypeOID}
	}
	return all
}

// texts copies a row of text values.
func texts(raw [][]byte) []row.Value {
	size := 0
	for _, v := range raw {
		size += len(v)
	}
	buffer, values := make([]byte, 0, size), make([]row.Value, len(raw))
	for i, v := range raw {
		if v != nil {
			start := len(buffer)
			buffer = append(buffer, v...)
			values[i] = row.Value{Kind: row.Text, Data: buffer[start:]}
		}
	}
	return values
}
