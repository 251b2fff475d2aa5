package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Slots is how those are who follow the database's log: the writer of the built-in stream, or a PowerSync Service.
type Slots struct {
	Behind int64 // bytes of the log that the last of them has not confirmed
	Idle   int   // nobody reads them now
	Lost   int   // the database has given them up
}

// Slots looks at the logical replication slots of the database.
func (s *Store) Slots(ctx context.Context) (found Slots, err error) {
	err = s.pool.QueryRow(ctx, `SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), confirmed_flush_lsn)), 0)::bigint,
			count(*) FILTER (WHERE NOT active), count(*) FILTER (WHERE wal_status = 'lost')
		FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() AND NOT temporary`).
		Scan(&found.Behind, &found.Idle, &found.Lost)
	if err != nil {
		return Slots{}, backend.Errorf(backend.Unavailable, "The database cannot be asked for its slots.").Wrap(err)
	}
	return found, nil
}

// UpToDate reports whether the database has all migrations that this version of the server brings. It may have more: an
// older version goes on while a newer one is rolled out.
func (s *Store) UpToDate(ctx context.Context) error {
	rows, err := s.pool.Query(ctx, "SELECT app.migrations()")
	if err != nil {
		return backend.Errorf(backend.Unavailable, "The database cannot be asked for its migrations.").Wrap(err)
	}
	applied, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return backend.Errorf(backend.Unavailable, "The database has no migrations, or none that tells.").Wrap(err)
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return fmt.Errorf("the migration %s: %w", file.Name(), err)
		}
		if !slices.Contains(applied, version) {
			return backend.Errorf(backend.Unavailable, "The database lacks migration %d.", version)
		}
	}
	return nil
}
