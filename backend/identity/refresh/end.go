package refresh

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// End ends the family of a token, whatever its state. It returns the family, or ErrInvalid for a token that is not known.
func (s *Store) End(ctx context.Context, token, because string) (f Family, err error) {
	err = pgx.BeginFunc(ctx, s.c.Pool, func(tx pgx.Tx) error {
		t, err := s.find(ctx, tx, token)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrInvalid
		}
		if err != nil {
			return fmt.Errorf("find a refresh token: %w", err)
		}
		f = t.family
		return s.end(ctx, tx, because, "id = $2", f.ID)
	})
	return f, err
}

// EndRequest ends what the code of a sign-in started.
func (s *Store) EndRequest(ctx context.Context, db DB, request, because string) error {
	return s.end(ctx, db, because, "request_id = $2", request)
}

// EndMachine ends the sessions of a machine.
func (s *Store) EndMachine(ctx context.Context, db DB, tenant, machine, because string) error {
	return s.end(ctx, db, because, "tenant_id = $2 AND machine_id = $3", tenant, machine)
}

// end is the one place where families end. where is a constant of this package.
func (s *Store) end(ctx context.Context, db DB, because, where string, args ...any) error {
	args = append([]any{because}, args...)
	args = append(args, s.c.Kind, s.c.Now())
	sql := fmt.Sprintf("UPDATE identity.families SET ended_at = $%d, ended_because = $1 WHERE %s AND kind = $%d AND ended_at IS NULL",
		len(args), where, len(args)-1)
	if _, err := db.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("end a family of refresh tokens: %w", err)
	}
	return nil
}

// Sweep deletes families that ended or expired a while ago; until then they tell a reuse from a token that never was. Call
// it now and then.
func (s *Store) Sweep(ctx context.Context) error {
	_, err := s.c.Pool.Exec(ctx, `DELETE FROM identity.families WHERE kind = $1
		AND (expires_at < $2::timestamptz - interval '30 days' OR ended_at < $2::timestamptz - interval '30 days')`, s.c.Kind, s.c.Now())
	if err == nil {
		// A used token matters as long as a thief may come with it; long after, its family has moved on too far.
		_, err = s.c.Pool.Exec(ctx, "DELETE FROM identity.refresh_tokens WHERE used_at < $1::timestamptz - interval '180 days'", s.c.Now())
	}
	if err != nil {
		return fmt.Errorf("delete old refresh tokens: %w", err)
	}
	return nil
}
