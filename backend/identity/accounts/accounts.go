package accounts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity/password"
)

// Config is what Open needs.
type Config struct {
	DSN       string // of a member of app_admin
	Provider  string // issuer of the embedded provider; empty when there is none
	Passwords *password.Hasher
}

// Accounts changes them. Its errors are *backend.Error with Invalid for what a person can mend.
type Accounts struct {
	c    Config
	pool *pgxpool.Pool
}

// Open connects.
func Open(ctx context.Context, c Config) (*Accounts, error) {
	config, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, backend.Errorf(backend.Invalid, "The address of the database cannot be read.").Wrap(err)
	}
	config.ConnConfig.RuntimeParams["role"] = "app_admin"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err == nil {
		err = pool.Ping(ctx)
	}
	if err != nil {
		return nil, backend.Errorf(backend.Unavailable, "The database cannot be reached as app_admin.").Wrap(err)
	}
	return &Accounts{c, pool}, nil
}

// Close disconnects.
func (a *Accounts) Close() { a.pool.Close() }

// User is a person as the command line shows him.
type User struct {
	backend.User
	Issuers  []string // where he can sign in
	Machines int
}

// NewUser is a person to add. With a password he gets an account at the embedded provider; with an issuer and its subject
// he signs in there; with neither, at any configured issuer that is trusted with this address.
type NewUser struct {
	Tenant, Email, Name string
	Password            string
	Issuer, Subject     string
}

func (n NewUser) check(provider string) error {
	address, err := mail.ParseAddress(n.Email)
	switch {
	case err != nil || address.Address != n.Email || len(n.Email) > 320:
		return backend.Errorf(backend.Invalid, "%q is no email address.", n.Email)
	case n.Password != "" && provider == "":
		return backend.Errorf(backend.Invalid, "The embedded identity provider is off, so nobody has a password here.")
	case (n.Issuer == "") != (n.Subject == ""):
		return backend.Errorf(backend.Invalid, "An issuer and its subject belong together.")
	case n.Password == "":
		return nil
	}
	return password.Check(n.Password)
}

// AddUser adds a person to a tenant and returns his id.
func (a *Accounts) AddUser(ctx context.Context, n NewUser) (string, error) {
	if err := n.check(a.c.Provider); err != nil {
		return "", err
	}
	var hash string
	if n.Password != "" {
		var err error
		if hash, err = a.c.Passwords.Hash(ctx, n.Password); err != nil {
			return "", err
		}
	}
	id := newID()
	return id, a.change(ctx, "add a user", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO app.users (tenant_id, id, email, name) VALUES ($1, $2, $3, $4)", n.Tenant, id, n.Email, n.Name)
		if err != nil {
			return err
		}
		return a.connect(ctx, tx, n, id, hash)
	})
}

// newID is an id that nothing else has.
func newID() string { return strings.ToLower(rand.Text()) }

// connect lets a new user sign in.
func (a *Accounts) connect(ctx context.Context, tx pgx.Tx, n NewUser, id, hash string) error {
	issuer, subject := n.Issuer, n.Subject
	if hash != "" {
		issuer, subject = a.c.Provider, newID()
		_, err := tx.Exec(ctx, "INSERT INTO identity.accounts (id, email, name, password) VALUES ($1, $2, $3, $4)", subject, n.Email, n.Name, hash)
		if err != nil {
			return err
		}
	}
	if issuer == "" {
		return nil
	}
	_, err := tx.Exec(ctx, "INSERT INTO identity.links (issuer, subject, tenant_id, user_id) VALUES ($1, $2, $3, $4)", issuer, subject, n.Tenant, id)
	return err
}

// Users lists people, of one tenant or of all.
func (a *Accounts) Users(ctx context.Context, tenant string) ([]User, error) {
	rows, err := a.pool.Query(ctx, `SELECT u.tenant_id, u.id, u.email, u.name, u.disabled_at IS NOT NULL,
			ARRAY(SELECT l.issuer FROM identity.links l WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id ORDER BY 1),
			(SELECT count(*) FROM app.machines m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id AND m.revoked_at IS NULL)
		FROM app.users u WHERE $1 = '' OR u.tenant_id = $1 ORDER BY u.tenant_id, lower(u.email)`, tenant)
	if err != nil {
		return nil, failed("list the users", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u User, err error) {
		err = row.Scan(&u.Tenant, &u.ID, &u.Email, &u.Name, &u.Disabled, &u.Issuers, &u.Machines)
		return u, err
	})
	if err != nil {
		return nil, failed("list the users", err)
	}
	return all, nil
}

// user finds a person by his address, in a tenant or, where there is one only, in any.
func (a *Accounts) user(ctx context.Context, tx pgx.Tx, tenant, email string) (backend.User, error) {
	rows, err := tx.Query(ctx, "SELECT tenant_id, id FROM app.users WHERE lower(email) = lower($2) AND ($1 = '' OR tenant_id = $1) FOR UPDATE", tenant, email)
	if err != nil {
		return backend.User{}, err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u backend.User, err error) {
		err = row.Scan(&u.Tenant, &u.ID)
		return u, err
	})
	switch {
	case err != nil:
		return backend.User{}, err
	case len(found) == 0:
		return backend.User{}, backend.Errorf(backend.Invalid, "There is no user %s.", email)
	case len(found) > 1:
		return backend.User{}, backend.Errorf(backend.Invalid, "There are %d users %s; name the tenant.", len(found), email)
	}
	return found[0], nil
}

// SetDisabled locks a person out, or lets him in again. His machines' sessions end at once, and nothing of his is deleted.
func (a *Accounts) SetDisabled(ctx context.Context, tenant, email string, disabled bool) error {
	return a.change(ctx, "change a user", func(tx pgx.Tx) error {
		u, err := a.user(ctx, tx, tenant, email)
		if err != nil {
			return err
		}
		at := "NULL"
		if disabled {
			at = "now()"
		}
		_, err = tx.Exec(ctx, "UPDATE app.users SET disabled_at = "+at+" WHERE tenant_id = $1 AND id = $2", u.Tenant, u.ID)
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE identity.accounts SET disabled_at = "+at+" WHERE id IN "+theirAccounts, u.Tenant, u.ID, a.c.Provider)
		}
		if err == nil && disabled {
			err = a.endSessions(ctx, tx, u, "the user was disabled")
		}
		return err
	})
}

// theirAccounts are the accounts at the embedded provider of the user $2 of the tenant $1.
const theirAccounts = "(SELECT subject FROM identity.links WHERE tenant_id = $1 AND user_id = $2 AND issuer = $3)"

func (a *Accounts) endSessions(ctx context.Context, tx pgx.Tx, u backend.User, because string) error {
	_, err := tx.Exec(ctx, `UPDATE identity.families SET ended_at = now(), ended_because = $4 WHERE ended_at IS NULL AND
		(kind = 'session' AND tenant_id = $1 AND subject = $2 OR kind = 'provider' AND subject IN `+theirAccounts+")",
		u.Tenant, u.ID, a.c.Provider, because)
	return err
}

// SetPassword gives a person another password. His machines stay signed in, unless everywhere is set.
func (a *Accounts) SetPassword(ctx context.Context, tenant, email, secret string, everywhere bool) error {
	if err := password.Check(secret); err != nil {
		return err
	}
	hash, err := a.c.Passwords.Hash(ctx, secret)
	if err != nil {
		return err
	}
	return a.change(ctx, "set a password", func(tx pgx.Tx) error {
		u, err := a.user(ctx, tx, tenant, email)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE identity.accounts SET password = $4 WHERE id IN `+theirAccounts, u.Tenant, u.ID, a.c.Provider, hash)
		if err == nil && tag.RowsAffected() == 0 {
			err = backend.Errorf(backend.Invalid, "%s signs in elsewhere and has no password here.", email)
		}
		if err == nil && everywhere {
			err = a.endSessions(ctx, tx, u, "the password was changed")
		}
		return err
	})
}

// change runs fn in a transaction, and says of a failure what a person can do.
func (a *Accounts) change(ctx context.Context, what string, fn func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, a.pool, fn)
	var known *backend.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return failed(what, err)
}

// taken are the sentences for rows that exist already, or whose tenant does not.
var taken = map[string]string{
	"users_email":                        "This tenant has a user of that address.",
	"accounts_email":                     "Somebody has an account of that address here.",
	"links_pkey":                         "This subject of that issuer is a user already.",
	"tenants_pkey":                       "There is a tenant of that id.",
	"users_tenant_id_fkey":               "There is no such tenant.",
	"teams_tenant_id_fkey":               "There is no such tenant.",
	"memberships_tenant_id_team_id_fkey": "There is no such team.",
}

func failed(what string, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if sentence := taken[pg.ConstraintName]; sentence != "" {
			return backend.Errorf(backend.Invalid, "%s", sentence)
		}
	}
	return backend.Errorf(backend.Unavailable, "The database did not %s.", what).Wrap(fmt.Errorf("%s: %w", what, err))
}
