package accounts

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity/letters"
)

// Invite adds a person, who chooses a password by the link of the code. Inviting him again ends the link before.
func (a *Accounts) Invite(ctx context.Context, n NewUser, team string) (letters.Code, error) {
	if a.c.Provider == "" {
		return "", backend.Errorf(backend.Invalid, "The embedded identity provider is off, so nobody chooses a password here.")
	}
	if err := n.check(a.c.Provider); err != nil {
		return "", err
	}
	code := letters.NewCode()
	return code, a.change(ctx, "invite a user", func(tx pgx.Tx) error {
		u, err := a.invited(ctx, tx, n)
		if err != nil {
			return err
		}
		if team != "" {
			if _, err := tx.Exec(ctx, "INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", u.Tenant, team, u.ID); err != nil {
				return err
			}
		}
		return send(ctx, tx, u, code, "invitation", letters.InvitationLife)
	})
}

// invited is the user of an address, who must not have signed in anywhere yet, or a new one.
func (a *Accounts) invited(ctx context.Context, tx pgx.Tx, n NewUser) (u backend.User, err error) {
	u = backend.User{Tenant: n.Tenant, ID: newID()}
	tag, err := tx.Exec(ctx, "INSERT INTO app.users (tenant_id, id, email, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", u.Tenant, u.ID, n.Email, n.Name)
	if err != nil || tag.RowsAffected() == 1 {
		return u, err
	}
	if u, err = a.user(ctx, tx, n.Tenant, n.Email); err != nil {
		return u, err
	}
	var linked bool
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM identity.links WHERE tenant_id = $1 AND user_id = $2)", u.Tenant, u.ID).Scan(&linked)
	if err == nil && linked {
		err = backend.Errorf(backend.Invalid, "%s can sign in already.", n.Email)
	}
	return u, err
}

// Reset makes a link by which a person chooses another password. It ends the links before.
func (a *Accounts) Reset(ctx context.Context, tenant, email string) (letters.Code, error) {
	code := letters.NewCode()
	return code, a.change(ctx, "make a link", func(tx pgx.Tx) error {
		u, err := a.user(ctx, tx, tenant, email)
		if err != nil {
			return err
		}
		var known bool
		err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM identity.accounts WHERE id IN "+theirAccounts+")", u.Tenant, u.ID, a.c.Provider).Scan(&known)
		if err == nil && !known {
			err = backend.Errorf(backend.Invalid, "%s has no password here.", email)
		}
		if err != nil {
			return err
		}
		return send(ctx, tx, u, code, "reset", letters.ResetLife)
	})
}

func send(ctx context.Context, tx pgx.Tx, u backend.User, code letters.Code, kind string, life time.Duration) error {
	if _, err := tx.Exec(ctx, "DELETE FROM identity.letters WHERE tenant_id = $1 AND user_id = $2", u.Tenant, u.ID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO identity.letters (digest, kind, tenant_id, user_id, expires_at) VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))",
		code.Digest(), kind, u.Tenant, u.ID, life.Seconds())
	return err
}

// Find is a person by his address.
func (a *Accounts) Find(ctx context.Context, tenant, email string) (u backend.User, err error) {
	err = a.change(ctx, "look for a user", func(tx pgx.Tx) error {
		u, err = a.user(ctx, tx, tenant, email)
		return err
	})
	return u, err
}

// Erase deletes a person and all that he has written, for good, and returns how many rows that were.
func (a *Accounts) Erase(ctx context.Context, tenant, email string) (rows int64, err error) {
	err = a.change(ctx, "erase a user", func(tx pgx.Tx) error {
		u, err := a.user(ctx, tx, tenant, email)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, "SELECT app.erase($1, $2)", u.Tenant, u.ID).Scan(&rows)
	})
	return rows, err
}
