package oplog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
)

// Config is what a Writer needs.
type Config struct {
	Database    string // address, of a role that may replicate, read the tables of the rules and write the log
	Schema      string // of the tables of the rules; empty = public
	Publication string // must list every table of the rules
	Slot        string // empty = coditect_sync_stream
	Rules       rules.Definition
	Log         *slog.Logger
	Trace       Tracer // nil: nobody follows transactions

	Retry        time.Duration // between attempts to become the one that writes; 0 = a second
	CompactEvery time.Duration // 0 = a minute
	RewriteAfter int64         // begin a bucket anew that has so many more void operations than live ones; 0 = 1,000
}

// Writer keeps the log up to date while it is the one that holds the lock, and else waits to be.
type Writer struct{ config Config }

// NewWriter returns a Writer, or what is wrong with its configuration.
func NewWriter(c Config) (*Writer, error) {
	if err := c.Rules.Validate(); err != nil {
		return nil, err
	}
	if c.Database == "" || c.Publication == "" || c.Log == nil {
		return nil, errors.New("a stream needs a database, a publication and a log")
	}
	c.Schema, c.Slot = or(c.Schema, "public"), or(c.Slot, "coditect_sync_stream")
	c.Retry, c.CompactEvery = or(c.Retry, time.Second), or(c.CompactEvery, time.Minute)
	c.RewriteAfter = or(c.RewriteAfter, 1000)
	return &Writer{c}, nil
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// errHeld says that another process writes.
var errHeld = errors.New("another process writes the operation log")

// Run writes until ctx ends, and returns its error. Whatever fails meanwhile is logged and tried again.
func (w *Writer) Run(ctx context.Context) error {
	for {
		err := w.hold(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, errHeld) {
			w.config.Log.Warn("the writer of the operation log starts again", "error", err)
		}
		pause := time.NewTimer(w.config.Retry/2 + rand.N(w.config.Retry)) // only to be out of step
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}

// lock is the key of the advisory lock.
const lock = 0x73796e63 // "sync"

// hold writes as long as this process holds the lock.
func (w *Writer) hold(ctx context.Context) error {
	conn, err := w.connect(ctx)
	if err != nil {
		return err
	}
	defer closeSoon(conn)
	var held bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lock).Scan(&held); err != nil {
		return fmt.Errorf("take the lock of the operation log: %w", err)
	}
	if !held {
		return errHeld
	}
	h := &holder{config: w.config, conn: conn, relations: map[uint32]*relation{}, fresh: map[int32]string{}}
	return h.run(ctx)
}

func (w *Writer) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(w.config.Database)
	if err != nil {
		return nil, fmt.Errorf("read the database address: %w", err)
	}
	maps.Copy(config.RuntimeParams, settings)
	maps.Copy(config.RuntimeParams, planning)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to write the operation log: %w", err)
	}
	return conn, nil
}

func closeSoon(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing is lost with it
}

// run builds the log where there is none that fits, and follows the slot.
func (h *holder) run(ctx context.Context) error {
	r, err := openReplication(ctx, h.config.Database)
	if err != nil {
		return err
	}
	defer r.close()
	usable, err := h.usable(ctx)
	if err != nil {
		return err
	}
	if !usable {
		if err := h.build(ctx, r); err != nil {
			return fmt.Errorf("build the operation log: %w", err)
		}
	}
	if err := h.recall(ctx); err != nil {
		return err
	}
	if err := r.start(ctx, h.config.Slot, h.config.Publication, h.state.lsn.String()); err != nil {
		return err
	}
	h.config.Log.Info("writing the operation log", "epoch", h.state.epoch, "last_op", h.state.lastOp)
	return h.follow(ctx, r)
}

// usable says whether the log is whole, made by this definition, and has a slot that goes on where it ends.
func (h *holder) usable(ctx context.Context) (bool, error) {
	var ready bool
	err := h.conn.QueryRow(ctx, `SELECT ready AND rules = $1 AND EXISTS (SELECT FROM pg_replication_slots
		WHERE slot_name = $2 AND database = current_database() AND plugin = 'pgoutput' AND wal_status IS DISTINCT FROM 'lost')
		FROM sync_log.state`, h.config.Rules.Hash(), h.config.Slot).Scan(&ready)
	if err != nil {
		return false, fmt.Errorf("read the state of the operation log: %w", err)
	}
	return ready, nil
}

// recall reads what is stored.
func (h *holder) recall(ctx context.Context) error {
	var at int64
	err := h.conn.QueryRow(ctx, "SELECT epoch, last_op, held, seq, (lsn - '0/0')::bigint FROM sync_log.state").
		Scan(&h.state.epoch, &h.state.lastOp, &h.state.held, &h.state.seq, &at)
	if err != nil {
		return fmt.Errorf("read the state of the operation log: %w", err)
	}
	h.state.lsn = lsn(at) // never negative
	h.empty = false
	if h.buckets, err = numbers[int32](ctx, h.conn, "SELECT name, id FROM sync_log.buckets"); err != nil {
		return err
	}
	h.tables, err = numbers[int16](ctx, h.conn, "SELECT name, id FROM sync_log.tables")
	return err
}

func numbers[T int16 | int32](ctx context.Context, conn *pgx.Conn, sql string) (map[string]T, error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read the operation log: %w", err)
	}
	all := map[string]T{}
	var name string
	var number T
	if _, err := pgx.ForEachRow(rows, []any{&name, &number}, func() error { all[name] = number; return nil }); err != nil {
		return nil, fmt.Errorf("read the operation log: %w", err)
	}
	return all, nil
}
