package postgres

import (
	"context"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Sweep forgets what is kept for a time only, of all tenants (migration 00007 says for how long), and returns how many lines
// that were. The server calls it once a day; two at a time do no harm.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	var gone int64
	if err := s.pool.QueryRow(ctx, "SELECT app.sweep()").Scan(&gone); err != nil {
		return 0, backend.Errorf(backend.Unavailable, "Old lines could not be forgotten now.").Wrap(scrub(err))
	}
	return gone, nil
}
