package oplog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// Store reads the log. It is safe for concurrent use.
type Store struct {
	pool  *pgxpool.Pool
	rules []byte // hash of the definition
}

// Open returns a Store for a log that was made by a definition. The role of the address needs to read sync_log and to
// write its table requests. It connects when something is read. The caller closes it.
func Open(ctx context.Context, database string, conns int32, d rules.Definition) (*Store, error) {
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		return nil, fmt.Errorf("read the database address: %w", err)
	}
	config.MaxConns = conns
	maps.Copy(config.ConnConfig.RuntimeParams, planning)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the operation log: %w", err)
	}
	return &Store{pool, d.Hash()}, nil
}

// Close gives up the connections.
func (s *Store) Close() { s.pool.Close() }

// ErrNotReady says that the log is not whole yet, or made by another version of the definition.
var ErrNotReady = errors.New("the operation log is not ready")

// Head is how far the log is.
type Head struct {
	Epoch  int64
	LastOp int64
	Seq    int64
}

// Name is a bucket's name for clients, unique over all logs there ever were.
func (h Head) Name(bucket string) string { return strconv.FormatInt(h.Epoch, 10) + "#" + bucket }

// Ask is what a reader wants to know at once.
type Ask struct {
	Since           int64             // a commit of the writer: what changed after it; negative = do not say
	Who             map[string]string // see rules.Definition.Who
	Subject, Client string            // whose write checkpoint
}

// Reader is the log as of one moment.
type Reader struct {
	conn *pgxpool.Conn
	Head
	Reached string // the newest write checkpoint of the client that the log covers, "" for none

	// Changed are the states of all buckets that changed since the commit asked for, Access whether what the lookups give
	// to the people asked for did. Told is false where that was not asked for, or is too much or too long ago to tell.
	Changed map[string]wire.State
	Access  bool
	Told    bool
}

// Read calls fn with the log as of now. What fn reads belongs together.
func (s *Store) Read(ctx context.Context, ask Ask, fn func(*Reader) error) (err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("read the operation log: %w", err)
	}
	defer conn.Release() // which closes a connection that is still in a transaction
	r := &Reader{conn: conn}
	if err := r.begin(ctx, s, ask); err != nil {
		return err
	}
	if err := fn(r); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("read the operation log: %w", err)
	}
	return nil
}

// manyBuckets is how many a stream would rather not look through.
const manyBuckets = 5000

// begin asks everything in one round trip.
func (r *Reader) begin(ctx context.Context, s *Store, ask Ask) error {
	lookups, people := make([]string, 0, len(ask.Who)), make([]string, 0, len(ask.Who))
	for lookup, person := range ask.Who {
		lookups, people = append(lookups, lookup), append(people, person)
	}
	ready := false
	var batch pgx.Batch
	batch.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	batch.Queue(headSQL, s.rules).QueryRow(func(row pgx.Row) error {
		return row.Scan(&ready, &r.Epoch, &r.LastOp, &r.Seq)
	})
	batch.Queue("SELECT coalesce(max(value)::text, '') FROM sync_log.reached WHERE subject = $1 AND client = $2", ask.Subject, ask.Client).
		QueryRow(func(row pgx.Row) error { return row.Scan(&r.Reached) })
	if ask.Since >= 0 {
		batch.Queue("SELECT name, id, checksum, count, last_op FROM sync_log.buckets WHERE seq > $1 LIMIT $2", ask.Since, manyBuckets).
			Query(func(rows pgx.Rows) (err error) { r.Changed, err = collectStates(rows); return err })
		batch.Queue(`SELECT EXISTS (SELECT FROM sync_log.woken w JOIN unnest($2::text[], $3::text[]) AS p (lookup, who)
			USING (lookup, who) WHERE w.seq > $1)`, ask.Since, lookups, people).
			QueryRow(func(row pgx.Row) error { return row.Scan(&r.Access) })
	}
	if err := r.conn.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read the operation log: %w", err)
	}
	r.Told = ask.Since >= 0 && len(r.Changed) < manyBuckets && r.Seq-ask.Since < keepWoken/2
	if !ready {
		return ErrNotReady
	}
	return nil
}

// Ready returns ErrNotReady, or what keeps the log from being read, or nil.
func (s *Store) Ready(ctx context.Context) error {
	return s.Read(ctx, Ask{Since: -1}, func(*Reader) error { return nil })
}

const headSQL = "SELECT ready AND rules = $1, epoch, last_op, seq FROM sync_log.state"

func (s *Store) head(ctx context.Context, tx pgx.Tx) (h Head, err error) {
	var ready bool
	if err := tx.QueryRow(ctx, headSQL, s.rules).Scan(&ready, &h.Epoch, &h.LastOp, &h.Seq); err != nil {
		return h, fmt.Errorf("read the operation log: %w", err)
	}
	if !ready {
		return h, ErrNotReady
	}
	return h, nil
}

// Granted are the keys that lookups give to the people that a token stands for (see rules.Definition.Who), sorted.
func (r *Reader) Granted(ctx context.Context, who map[string]string) (map[string][]string, error) {
	granted := map[string][]string{}
	for lookup, person := range who {
		rows, err := r.conn.Query(ctx, "SELECT DISTINCT val FROM sync_log.grants WHERE who = $1 AND lookup = $2 ORDER BY val", person, lookup)
		if err != nil {
			return nil, fmt.Errorf("read who may see what: %w", err)
		}
		if granted[lookup], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return nil, fmt.Errorf("read who may see what: %w", err)
		}
	}
	return granted, nil
}

// Buckets are the states of those of some buckets that ever had an operation.
func (r *Reader) Buckets(ctx context.Context, names []string) (map[string]wire.State, error) {
	rows, err := r.conn.Query(ctx, "SELECT name, id, checksum, count, last_op FROM sync_log.buckets WHERE name = ANY ($1)", names)
	if err != nil {
		return nil, fmt.Errorf("read buckets: %w", err)
	}
	return collectStates(rows)
}

func collectStates(rows pgx.Rows) (map[string]wire.State, error) {
	states := map[string]wire.State{}
	var name string
	var checksum int64
	var s wire.State
	if _, err := pgx.ForEachRow(rows, []any{&name, &s.ID, &checksum, &s.Count, &s.LastOp}, func() error {
		s.Checksum = uint32(checksum) // the column is kept below 2^32
		states[name] = s
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read buckets: %w", err)
	}
	return states, nil
}

// Limits of one Part.
const (
	PartOps   = 1000
	PartBytes = 1 << 20 // of documents; a single larger one is a part of its own
)

// Part is some operations of a bucket, in order.
type Part struct {
	Ops    []wire.Operation
	Broken bool // the bucket was compacted beyond the number that was asked for: what is stored does not describe it
}

// Ops reads a bucket's operations after one number up to another.
func (r *Reader) Ops(ctx context.Context, bucket int, after, upTo int64) (Part, error) {
	rows, err := r.conn.Query(ctx, partSQL, bucket, after, upTo, PartOps, PartBytes)
	return part(rows, err, upTo)
}

// Ops is as that of a Reader, as of the moment of the call.
func (s *Store) Ops(ctx context.Context, bucket int, after, upTo int64) (Part, error) {
	rows, err := s.pool.Query(ctx, partSQL, bucket, after, upTo, PartOps, PartBytes)
	return part(rows, err, upTo)
}

// The sum stops a part before its documents are fetched from where PostgreSQL keeps large values.
const partSQL = `SELECT b.stable, o.op_id, o.checksum, o.kind, coalesce(o.name, ''), coalesce(o.row_id, ''), coalesce(o.data, '')
	FROM sync_log.buckets b LEFT JOIN LATERAL (
		SELECT p.*, t.name FROM (
			SELECT *, sum(octet_length(data)) OVER (ORDER BY op_id ROWS UNBOUNDED PRECEDING) AS bytes FROM (
				SELECT op_id, checksum, kind, tbl, row_id, data FROM sync_log.ops
				WHERE bucket = b.id AND op_id > $2 AND op_id <= $3 ORDER BY op_id LIMIT $4) l) p
		LEFT JOIN sync_log.tables t ON t.id = p.tbl
		WHERE coalesce(p.bytes, 0) - coalesce(octet_length(p.data), 0) <= $5) o ON true
	WHERE b.id = $1`

func part(rows pgx.Rows, err error, upTo int64) (p Part, _ error) {
	if err != nil {
		return p, fmt.Errorf("read operations: %w", err)
	}
	var stable int64
	var id *int64
	var checksum *int32
	var kind *int16
	var o wire.Operation
	_, err = pgx.ForEachRow(rows, []any{&stable, &id, &checksum, &kind, &o.Table, &o.RowID, &o.Document}, func() error {
		if id != nil {
			o.ID, o.Checksum, o.Op = *id, uint32(*checksum), wire.Op(*kind) // the bits; a letter
			p.Ops = append(p.Ops, o)
		}
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("read operations: %w", err)
	}
	slices.SortFunc(p.Ops, func(a, b wire.Operation) int { return int(a.ID - b.ID) })
	p.Broken = stable > upTo
	return p, nil
}
