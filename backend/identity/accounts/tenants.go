package accounts

import (
	"context"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
)

var tenantID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// AddTenant adds one. Its id is short, because it is part of every key.
func (a *Accounts) AddTenant(ctx context.Context, t backend.Tenant) error {
	if !tenantID.MatchString(t.ID) {
		return backend.Errorf(backend.Invalid, "A tenant's id is up to 63 of a-z, 0-9 and -.")
	}
	return a.change(ctx, "add a tenant", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO app.tenants (tenant_id, name) VALUES ($1, $2)", t.ID, t.Name)
		return err
	})
}

// Tenants lists them.
func (a *Accounts) Tenants(ctx context.Context) ([]backend.Tenant, error) {
	rows, err := a.pool.Query(ctx, "SELECT tenant_id, name FROM app.tenants ORDER BY 1")
	if err != nil {
		return nil, failed("list the tenants", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t backend.Tenant, err error) {
		err = row.Scan(&t.ID, &t.Name)
		return t, err
	})
	if err != nil {
		return nil, failed("list the tenants", err)
	}
	return all, nil
}

// AddTeam adds a team to a tenant and returns its id.
func (a *Accounts) AddTeam(ctx context.Context, tenant, name string) (string, error) {
	if name == "" {
		return "", backend.Errorf(backend.Invalid, "A team has a name.")
	}
	id := newID()
	return id, a.change(ctx, "add a team", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO app.teams (tenant_id, id, name) VALUES ($1, $2, $3)", tenant, id, name)
		return err
	})
}

// Team is a team and the addresses of its people.
type Team struct {
	backend.Team
	Members []string
}

// Teams lists the teams of a tenant.
func (a *Accounts) Teams(ctx context.Context, tenant string) ([]Team, error) {
	rows, err := a.pool.Query(ctx, `SELECT t.tenant_id, t.id, t.name, ARRAY(SELECT u.email FROM app.memberships m
			JOIN app.users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
			WHERE m.tenant_id = t.tenant_id AND m.team_id = t.id ORDER BY lower(u.email))
		FROM app.teams t WHERE $1 = '' OR t.tenant_id = $1 ORDER BY t.tenant_id, t.name, t.id`, tenant)
	if err != nil {
		return nil, failed("list the teams", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Team, err error) {
		err = row.Scan(&t.Tenant, &t.ID, &t.Name, &t.Members)
		return t, err
	})
	if err != nil {
		return nil, failed("list the teams", err)
	}
	return all, nil
}

// SetMember puts a person into a team, or takes him out. Doing so twice changes nothing.
func (a *Accounts) SetMember(ctx context.Context, tenant, team, email string, member bool) error {
	return a.change(ctx, "change a team", func(tx pgx.Tx) error {
		u, err := a.user(ctx, tx, tenant, email)
		if err != nil {
			return err
		}
		sql := "INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
		if !member {
			sql = "DELETE FROM app.memberships WHERE tenant_id = $1 AND team_id = $2 AND user_id = $3"
		}
		_, err = tx.Exec(ctx, sql, u.Tenant, team, u.ID)
		return err
	})
}
