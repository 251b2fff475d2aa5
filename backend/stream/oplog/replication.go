package oplog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// settings make the text of every value the same, whatever the server's configuration says.
var settings = map[string]string{
	"TimeZone": "UTC", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres", "extra_float_digits": "1",
	"bytea_output": "hex", "application_name": "coditect-sync-stream",
}

// planning keeps a plan that was made while the log was small from being used when it is large: every query here is for a
// few rows by an index.
var planning = map[string]string{"enable_seqscan": "off", "jit": "off"}

// statusEvery is how often the server is told what is safe in the log; it may then forget the WAL before.
const statusEvery = time.Second

// replication is a connection that receives what was committed.
type replication struct {
	conn *pgconn.PgConn
	safe atomic.Uint64 // everything before is in the log
}

func openReplication(ctx context.Context, database string) (*replication, error) {
	config, err := pgconn.ParseConfig(database)
	if err != nil {
		return nil, fmt.Errorf("read the database address: %w", err)
	}
	maps.Copy(config.RuntimeParams, settings)
	config.RuntimeParams["replication"] = "database"
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect for replication: %w", err)
	}
	return &replication{conn: conn}, nil
}

func (r *replication) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = r.conn.Close(ctx) // nothing is lost with it
}

// createSlot makes the slot and returns the name of a snapshot of the moment where it begins. The snapshot can be used
// until the next command on this connection. It waits for every transaction that is open.
func (r *replication) createSlot(ctx context.Context, slot string) (snapshot string, from string, err error) {
	results, err := r.conn.Exec(ctx, "CREATE_REPLICATION_SLOT "+slot+" LOGICAL pgoutput EXPORT_SNAPSHOT").ReadAll()
	if err != nil {
		return "", "", fmt.Errorf("create the replication slot: %w", err)
	}
	values := results[0].Rows[0] // name, position, snapshot, plugin
	return string(values[2]), string(values[1]), nil
}

// start asks for everything that was committed at from or later.
func (r *replication) start(ctx context.Context, slot, publication, from string) error {
	sql := fmt.Sprintf("START_REPLICATION SLOT %s LOGICAL %s (proto_version '1', publication_names '%s', messages 'true')",
		slot, from, publication)
	r.conn.Frontend().Send(&pgproto3.Query{String: sql})
	if err := r.conn.Frontend().Flush(); err != nil {
		return fmt.Errorf("start the replication: %w", err)
	}
	for {
		message, err := r.conn.ReceiveMessage(ctx)
		if err != nil {
			return fmt.Errorf("start the replication: %w", err)
		}
		switch m := message.(type) {
		case *pgproto3.CopyBothResponse:
			return nil
		case *pgproto3.ErrorResponse:
			return fmt.Errorf("start the replication: %w", pgconn.ErrorResponseToPgError(m))
		}
	}
}

// receive hands out messages until ctx ends or the connection breaks, and reports what is safe.
func (r *replication) receive(ctx context.Context, to chan<- any) error {
	for next := time.Now(); ; {
		if !time.Now().Before(next) {
			if err := r.report(); err != nil {
				return err
			}
			next = time.Now().Add(statusEvery)
		}
		message, err := r.next(ctx, next)
		if err != nil {
			return err
		}
		if asked, ok := message.(askMessage); ok {
			next, message = time.Time{}, asked.idleMessage
		}
		if message == nil {
			continue
		}
		select {
		case to <- message:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// askMessage is an idleMessage whose sender wants to hear what is safe.
type askMessage struct{ idleMessage }

// next is the next message, nil when none came until a time or it does not matter.
func (r *replication) next(ctx context.Context, until time.Time) (any, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	message, err := r.conn.ReceiveMessage(ctx)
	if pgconn.Timeout(err) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("receive from the replication slot: %w", err)
	}
	switch m := message.(type) {
	case *pgproto3.CopyData:
		return unwrap(m.Data)
	case *pgproto3.ErrorResponse:
		return nil, fmt.Errorf("receive from the replication slot: %w", pgconn.ErrorResponseToPgError(m))
	default:
		return nil, nil
	}
}

// unwrap reads what a CopyData carries: a message of pgoutput, or a sign of life.
func unwrap(data []byte) (any, error) {
	switch {
	case len(data) >= 25 && data[0] == 'w':
		return parse(append([]byte(nil), data[25:]...)) // the buffer is used again
	case len(data) >= 18 && data[0] == 'k':
		idle := idleMessage{lsn(binary.BigEndian.Uint64(data[1:9]))}
		if data[17] == 1 {
			return askMessage{idle}, nil
		}
		return idle, nil
	default:
		return nil, errShort
	}
}

// report tells the server what is safe.
func (r *replication) report() error {
	safe := r.safe.Load()
	data := []byte{'r'}
	for range 3 { // written, flushed, applied
		data = binary.BigEndian.AppendUint64(data, safe)
	}
	data = binary.BigEndian.AppendUint64(data, 0) // the time is not used
	data = append(data, 0)
	r.conn.Frontend().Send(&pgproto3.CopyData{Data: data})
	if err := r.conn.Frontend().Flush(); err != nil {
		return fmt.Errorf("report to the replication slot: %w", err)
	}
	return nil
}
