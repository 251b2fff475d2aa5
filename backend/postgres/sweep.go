package postgres

import (
	"context"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Sweep forgets what is kept for a time only, of all tenants (migrations 00007 and 00008 say for how long), and returns how
// many lines that were. Every process of the server calls it now and then: it is done once a day, by one of them, and done is
// false for the others.
func (s *Store) Sweep(ctx context.Context) (gone int64, done bool, err error) {
	var lines *int64
	if err := s.pool.QueryRow(ctx, "SELECT app.sweep_daily()").Scan(&lines); err != nil {
		return 0, false, backend.Errorf(backend.Unavailable, "Old lines could not be forgotten now.").Wrap(scrub(err))
	}
	if lines == nil {
		return 0, false, nil
	}
	return *lines, true, nil
}
