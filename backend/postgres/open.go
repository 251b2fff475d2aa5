package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Config is what Open needs.
type Config struct {
	DSN      string // of app_api
	MaxConns int32  // 0: pgx's default
	Daily    int64  // bytes that a tenant may push in a day (UTC); 0: no limit
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
	Trace    backend.Tracer   // nil: nobody follows pushes
}

// Store is a backend.Store on PostgreSQL.
type Store struct {
	pool   *pgxpool.Pool
	log    *slog.Logger
	now    func() time.Time
	daily  int64
	trace  backend.Tracer
	tables map[string]*table
	order  []*table // referenced ones first
}

// limits end what would hold a connection, and locks, for ever.
var limits = map[string]string{
	"application_name":                    "coditect-sync-server",
	"statement_timeout":                   "60s",
	"lock_timeout":                        "20s",
	"idle_in_transaction_session_timeout": "60s",
}

// Open connects as app_api; Connect says what it refuses.
func Open(ctx context.Context, c Config) (*Store, error) {
	pool, err := Connect(ctx, c.DSN, c.MaxConns)
	if err != nil {
		return nil, err
	}
	s := &Store{pool: pool, log: c.Log, now: c.Now, daily: c.Daily, trace: c.Trace}
	if s.trace == nil {
		s.trace = backend.Untraced{}
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.tables, s.order = describe()
	return s, nil
}

// Connect opens connections with limits, at most so many (0: pgx's default), and refuses a role that row-level security does
// not hold: a superuser, one with BYPASSRLS, an owner of a table, or a member of such a role.
func Connect(ctx context.Context, dsn string, most int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, backend.Errorf(backend.Invalid, "The address of the database cannot be read.").Wrap(err)
	}
	if most > 0 {
		config.MaxConns = most
	}
	for name, value := range limits {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, backend.Errorf(backend.Unavailable, "The database cannot be reached.").Wrap(err)
	}
	if err := checkRole(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// Close waits for what goes on and disconnects.
func (s *Store) Close() { s.pool.Close() }

// Ready reports whether the database answers and has the schema.
func (s *Store) Ready(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, "SELECT FROM app.lost LIMIT 0"); err != nil {
		return backend.Errorf(backend.Unavailable, "The database does not answer.").Wrap(err)
	}
	return nil
}

// mightBypass lists why row-level security would not hold the current role, or roles it may act as.
const mightBypass = `
	SELECT r.rolname || CASE WHEN r.rolsuper THEN ' is a superuser' WHEN r.rolbypassrls THEN ' has BYPASSRLS'
		ELSE ' owns tables' END
	FROM pg_roles r
	WHERE pg_has_role(current_user, r.oid, 'MEMBER') AND (r.rolsuper OR r.rolbypassrls OR EXISTS (
		SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relnamespace::regnamespace::text IN ('app', 'identity', 'sync_log') AND c.relkind IN ('r', 'p')))
	ORDER BY r.rolsuper DESC, r.rolbypassrls DESC, 1`

func checkRole(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, mightBypass)
	if err != nil {
		return backend.Errorf(backend.Unavailable, "The database cannot be asked for its roles.").Wrap(err)
	}
	reasons, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return backend.Errorf(backend.Unavailable, "The database cannot be asked for its roles.").Wrap(err)
	}
	if len(reasons) > 0 {
		return backend.Errorf(backend.Invalid, "The server must not use this role of the database: %s. Use app_api, app_identity and powersync.", reasons[0])
	}
	return nil
}

// WithTenant runs fn in a transaction that sees and writes what the principal may, and commits when fn returns nil. It is the
// only way to the data. The principal's names live in the transaction alone, so a pooled connection forgets them.
func (s *Store) WithTenant(ctx context.Context, p backend.Principal, fn func(pgx.Tx) error) error {
	return s.within(ctx, p, pgx.TxOptions{}, fn)
}

// within is WithTenant for a transaction of a certain kind.
func (s *Store) within(ctx context.Context, p backend.Principal, options pgx.TxOptions, fn func(pgx.Tx) error) error {
	if p.Tenant == "" || p.User == "" {
		return backend.Errorf(backend.Unauthenticated, "The request has no account.")
	}
	return pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)", p.Tenant, p.User)
		if err != nil {
			return fmt.Errorf("say who asks: %w", err)
		}
		return fn(tx)
	})
}
