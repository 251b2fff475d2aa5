package oplog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
)

// A chunk is what is worked on at once; a transaction larger than that is written in several, and becomes visible with
// the last one.
const (
	chunkChanges = 2000
	chunkBytes   = 8 << 20
)

// state is the row of sync_log.state.
type state struct {
	epoch, lastOp, held, seq int64
	lsn                      lsn
}

// holder is the process's hold on the log: the connection with the lock, and what must be known to write. Any error
// ends it; the next one starts from what is stored.
type holder struct {
	config    Config
	conn      *pgx.Conn
	state     state
	relations map[uint32]*relation
	tables    map[string]int16
	buckets   map[string]int32
	fresh     map[int32]string // buckets that are not stored yet
	empty     bool             // nothing is stored yet: the first snapshot

	tx       pgx.Tx // open while something is written and not committed
	changes  []change
	size     int
	requests []request
	inside   bool // between a begin and its commit
	skip     bool // the transaction is in the log already
	end      lsn  // where the last whole transaction ends
	whole    int  // changes of whole transactions, the others are of the one that is being received
	asked    int  // requests of whole transactions
	traces   []followed

	compacted int64 // the seq up to which buckets were compacted
}

// request is what a server asks for with a logical message.
type request struct {
	Subject string `json:"s"`
	Client  string `json:"c"`
	Value   int64  `json:"v"`
}

// follow writes what the slot sends until ctx ends or something fails.
func (h *holder) follow(ctx context.Context, r *replication) error {
	ctx, cancel := context.WithCancel(ctx)
	messages, ended := make(chan any, 1024), make(chan error, 1)
	go func() { ended <- r.receive(ctx, messages) }()
	err := h.consume(ctx, r, messages, ended)
	cancel()
	if err == nil {
		return <-ended
	}
	return errors.Join(err, ignoreEnd(<-ended))
}

// ignoreEnd drops the error of a receiver that was told to end.
func ignoreEnd(err error) error {
	if errors.Is(err, context.Canceled) || pgconn.Timeout(err) {
		return nil
	}
	return err
}

// consume returns nil when the receiver has ended, and leaves its error to the caller.
func (h *holder) consume(ctx context.Context, r *replication, messages <-chan any, ended chan error) error {
	compact := time.NewTicker(h.config.CompactEvery)
	defer compact.Stop()
	for {
		select {
		case m := <-messages:
			if err := h.take(ctx, r, m, len(messages) == 0); err != nil {
				return err
			}
		case err := <-ended:
			ended <- err
			return nil
		case <-compact.C:
			if h.inside || h.tx != nil {
				continue
			}
			if err := h.compact(ctx); err != nil {
				return err
			}
		}
	}
}

// take works on one message, and commits at the end of a transaction when no other one waits.
func (h *holder) take(ctx context.Context, r *replication, message any, last bool) error {
	if err := h.handle(ctx, message); err != nil {
		return err
	}
	if idle, ok := message.(idleMessage); ok && !h.inside && h.pending() == 0 {
		h.end = max(h.end, idle.end)
		r.safe.Store(uint64(h.end))
		return nil
	}
	if h.inside || h.end == 0 || (!last && h.pending() < chunkChanges) {
		return nil
	}
	if err := h.commit(ctx); err != nil {
		return err
	}
	r.safe.Store(uint64(h.end))
	return nil
}

func (h *holder) pending() int {
	if h.tx != nil {
		return chunkChanges
	}
	return len(h.changes) + len(h.requests)
}

func (h *holder) handle(ctx context.Context, message any) error {
	switch m := message.(type) {
	case beginMessage:
		if h.pending() == 0 {
			h.told(nil) // of transactions that had nothing for the log
		}
		h.inside, h.skip = true, m.commit < h.state.lsn
		h.whole, h.asked = len(h.changes), len(h.requests)
	case commitMessage:
		h.inside, h.end = false, m.end
	case relationMessage:
		return h.learn(ctx, m)
	case changeMessage:
		return h.note(ctx, m)
	case truncateMessage:
		return h.truncate(ctx, m)
	case logicalMessage:
		return h.ask(m)
	}
	return nil
}

// learn notes the columns of a table that the definition knows.
func (h *holder) learn(ctx context.Context, m relationMessage) error {
	delete(h.relations, m.id)
	if m.schema != h.config.Schema || !slices.Contains(h.config.Rules.TableNames(), m.name) {
		return nil
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	r, err := newRelation(ctx, h.conn, h.config.Rules, m)
	if err != nil {
		return err
	}
	if r.number, err = h.table(ctx, m.name); err != nil {
		return err
	}
	h.relations[m.id] = r
	return nil
}

func (h *holder) note(ctx context.Context, m changeMessage) error {
	r := h.relations[m.relation]
	if r == nil || h.skip {
		return nil
	}
	h.changes = append(h.changes, change{relation: r, old: m.old, now: m.now}.fill())
	h.size += size(m.now)
	if len(h.changes) < chunkChanges && h.size < chunkBytes {
		return nil
	}
	if err := h.commitWhole(ctx); err != nil {
		return err
	}
	return h.flushChanges(ctx)
}

// commitWhole makes the transactions before a large one visible, so that they need not wait for its end.
func (h *holder) commitWhole(ctx context.Context) error {
	if !h.inside || h.tx != nil || h.whole+h.asked == 0 {
		return nil
	}
	changes, requests := h.changes[h.whole:], h.requests[h.asked:]
	h.changes, h.requests = h.changes[:h.whole], h.requests[:h.asked]
	err := h.commit(ctx)
	h.changes, h.requests, h.whole, h.asked = changes, requests, 0, 0
	return err
}

func size(values []row.Value) int {
	n := 0
	for _, v := range values {
		n += len(v.Data)
	}
	return n
}

func (h *holder) ask(m logicalMessage) error {
	if m.prefix == tracePrefix {
		h.trace(string(m.content))
		return nil
	}
	if m.prefix != Prefix || h.skip {
		return nil
	}
	var r request
	if err := json.Unmarshal(m.content, &r); err != nil {
		return nil //nolint:nilerr // anybody may emit a message; one that is not ours asks for nothing
	}
	h.requests = append(h.requests, r)
	return nil
}

func (h *holder) begin(ctx context.Context) (err error) {
	if h.tx != nil {
		return nil
	}
	h.tx, err = h.conn.Begin(ctx)
	h.state.seq++
	return err
}

func (h *holder) flushChanges(ctx context.Context) error {
	if len(h.changes) == 0 {
		return nil
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	err := h.flush(ctx, h.changes)
	h.changes, h.size = nil, 0
	return err
}

// commit makes everything up to the end of the last transaction visible, and wakes the servers.
func (h *holder) commit(ctx context.Context) error {
	if err := h.flushChanges(ctx); err != nil {
		return err
	}
	if len(h.requests) > 0 {
		if err := h.begin(ctx); err != nil {
			return err
		}
	}
	if h.tx == nil {
		return nil
	}
	h.state.lsn = max(h.state.lsn, h.end)
	if err := h.save(ctx); err != nil {
		return fmt.Errorf("commit to the operation log: %w", err)
	}
	return nil
}

func (h *holder) save(ctx context.Context) error {
	var batch pgx.Batch
	for _, r := range h.requests {
		batch.Queue(`INSERT INTO sync_log.reached AS o (subject, client, value, seq) VALUES ($1, $2, $3, $4)
			ON CONFLICT (subject, client) DO UPDATE SET value = greatest(o.value, excluded.value), seq = excluded.seq`,
			r.Subject, r.Client, r.Value, h.state.seq)
	}
	h.requests = nil
	batch.Queue("UPDATE sync_log.state SET lsn = $1::text::pg_lsn, last_op = $2, held = $3, seq = $4", h.state.lsn.String(),
		h.state.lastOp, h.state.held, h.state.seq)
	batch.Queue("SELECT pg_notify($1, $2)", Channel, h.payload())
	if err := h.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	err := h.tx.Commit(ctx)
	h.tx = nil
	h.told(err)
	return err
}

// String is the text form that PostgreSQL reads.
func (l lsn) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) } // the two halves

// bucket is the number of a bucket, a new one where it has none.
func (h *holder) bucket(name string) int32 {
	id, known := h.buckets[name]
	if !known {
		id = int32(len(h.buckets) + 1) // two thousand million buckets do not fit into memory
		h.buckets[name], h.fresh[id] = id, name
	}
	return id
}

// table is the number of a table's name, a new one where it has none.
func (h *holder) table(ctx context.Context, name string) (int16, error) {
	if number, known := h.tables[name]; known {
		return number, nil
	}
	number := int16(len(h.tables) + 1) // a definition has a few tables
	_, err := h.tx.Exec(ctx, "INSERT INTO sync_log.tables (id, name) VALUES ($1, $2)", number, name)
	h.tables[name] = number
	return number, err
}
