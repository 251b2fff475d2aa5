package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Pending lists the invitations into the teams of which the principal is an admin that nobody has taken up yet.
func (s *Store) Pending(ctx context.Context, p backend.Principal) (all []backend.Pending, err error) {
	err = s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT team_id, user_id, email, name, invited_by, invited_at, expires_at FROM app.invitations()")
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[backend.Pending])
		return err
	})
	return all, unavailable("list the invitations", err)
}

// Withdraw takes an invitation back.
func (s *Store) Withdraw(ctx context.Context, p backend.Principal, team, user string) error {
	return s.teamChange(ctx, p, "SELECT app.withdraw_invitation($1, $2)", team, user)
}
