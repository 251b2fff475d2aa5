package session

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
)

// register notes the machine that signs in, and ends the sessions it had. One that was revoked is a machine again: its person
// has just signed in on it.
func (s *Sessions) register(ctx context.Context, tx pgx.Tx, tenant, user string, e exchange) error {
	tag, err := tx.Exec(ctx, `INSERT INTO app.machines AS m (tenant_id, id, user_id, name, last_seen_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, id) DO UPDATE SET revoked_at = NULL, last_seen_at = excluded.last_seen_at,
			name = CASE WHEN m.name = '' THEN excluded.name ELSE m.name END
		WHERE m.user_id = excluded.user_id`, tenant, e.machine, user, e.name, s.c.Now())
	if err != nil {
		return fmt.Errorf("register a machine: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errMachine
	}
	return s.refresh.EndMachine(ctx, tx, tenant, e.machine, "the machine signed in again")
}

func (s *Sessions) seen(ctx context.Context, db db, t identity.Session) error {
	_, err := db.Exec(ctx, "UPDATE app.machines SET last_seen_at = $3 WHERE tenant_id = $1 AND id = $2", t.Tenant, t.Machine, s.c.Now())
	if err != nil {
		return fmt.Errorf("note that a machine was seen: %w", err)
	}
	return nil
}

// Machines lists the principal's, the last seen first, revoked ones too.
func (s *Sessions) Machines(ctx context.Context, p backend.Principal) ([]backend.Machine, error) {
	rows, err := s.c.Pool.Query(ctx, `SELECT id, name, created_at, coalesce(last_seen_at, created_at), revoked_at IS NOT NULL FROM app.machines
		WHERE tenant_id = $1 AND user_id = $2 ORDER BY coalesce(last_seen_at, created_at) DESC, id`, p.Tenant, p.User)
	if err != nil {
		return nil, away("list the machines", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (backend.Machine, error) {
		m := backend.Machine{Tenant: p.Tenant, User: p.User}
		err := row.Scan(&m.ID, &m.Name, &m.Created, &m.Seen, &m.Revoked)
		return m, err
	})
	if err != nil {
		return nil, away("list the machines", err)
	}
	return all, nil
}

// RenameMachine gives one of the principal's machines a name.
func (s *Sessions) RenameMachine(ctx context.Context, p backend.Principal, id, name string) error {
	name = plainName(name)
	if name == "" {
		return backend.Errorf(backend.Invalid, "A machine's name has at least one character.")
	}
	return s.changeMachine(ctx, p, id, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE app.machines SET name = $3 WHERE tenant_id = $1 AND id = $2", p.Tenant, id, name)
		return err
	})
}

// RevokeMachine signs one of the principal's machines out, for when it is lost. Its tokens end at once.
func (s *Sessions) RevokeMachine(ctx context.Context, p backend.Principal, id string) error {
	return s.changeMachine(ctx, p, id, func(tx pgx.Tx) error {
		if err := s.refresh.EndMachine(ctx, tx, p.Tenant, id, "the machine was revoked"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE app.machines SET revoked_at = coalesce(revoked_at, $3) WHERE tenant_id = $1 AND id = $2", p.Tenant, id, s.c.Now())
		return err
	})
}

// changeMachine locks a machine of the principal's, so that it does not sign in meanwhile, and lets change change it.
func (s *Sessions) changeMachine(ctx context.Context, p backend.Principal, id string, change func(pgx.Tx) error) error {
	found := false
	if !machineID.MatchString(id) {
		return errNoMachine
	}
	err := pgx.BeginFunc(ctx, s.c.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "SELECT FROM app.machines WHERE tenant_id = $1 AND id = $2 AND user_id = $3 FOR UPDATE", p.Tenant, id, p.User)
		if found = err == nil && tag.RowsAffected() == 1; !found {
			return err
		}
		return change(tx)
	})
	if err != nil {
		return away("change a machine", err)
	}
	if !found {
		return errNoMachine
	}
	return nil
}

var errNoMachine = backend.Errorf(backend.NotFound, "You have no machine of that id.")

func away(what string, err error) error {
	return backend.Errorf(backend.Unavailable, "The database does not answer.").Wrap(fmt.Errorf("%s: %w", what, err))
}
