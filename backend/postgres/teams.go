package postgres

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
)

// People lists the users of the principal's tenant.
func (s *Store) People(ctx context.Context, p backend.Principal) (all []backend.User, err error) {
	err = s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT tenant_id, id, email, name, disabled_at IS NOT NULL FROM app.users ORDER BY lower(email)")
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[backend.User])
		return err
	})
	return all, unavailable("list the people", err)
}

// Teams lists the teams of the principal's tenant, with their members.
func (s *Store) Teams(ctx context.Context, p backend.Principal) (all []backend.Team, err error) {
	err = s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT t.tenant_id, t.id, t.name, m.user_id, m.role = 'admin' FROM app.teams t
			LEFT JOIN app.memberships m ON m.tenant_id = t.tenant_id AND m.team_id = t.id ORDER BY t.name, t.id, m.user_id`)
		if err != nil {
			return err
		}
		var t backend.Team
		var user *string
		var admin *bool
		_, err = pgx.ForEachRow(rows, []any{&t.Tenant, &t.ID, &t.Name, &user, &admin}, func() error {
			if len(all) == 0 || all[len(all)-1].ID != t.ID {
				all = append(all, t)
			}
			if last := &all[len(all)-1]; user != nil {
				last.Members = append(last.Members, backend.Member{User: *user, Admin: *admin})
			}
			return nil
		})
		return err
	})
	return all, unavailable("list the teams", err)
}

// MakeTeam makes a team whose admin is the principal, and returns its id.
func (s *Store) MakeTeam(ctx context.Context, p backend.Principal, name string) (id string, err error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 200 || strings.ContainsRune(name, 0) {
		return "", backend.Errorf(backend.Invalid, "A team's name has 1 to 200 characters.")
	}
	id = newID()
	return id, s.teamChange(ctx, p, "SELECT app.make_team($1, $2)", id, name)
}

// newID is an id that nothing else has.
func newID() string { return strings.ToLower(rand.Text()) }

// SetMember puts a person into a team, or makes him its admin or no longer.
func (s *Store) SetMember(ctx context.Context, p backend.Principal, team string, m backend.Member) error {
	role := "member"
	if m.Admin {
		role = "admin"
	}
	return s.teamChange(ctx, p, "SELECT app.set_member($1, $2, $3)", team, m.User, role)
}

// RemoveMember takes a person out of a team.
func (s *Store) RemoveMember(ctx context.Context, p backend.Principal, team, user string) error {
	return s.teamChange(ctx, p, "SELECT app.set_member($1, $2, NULL)", team, user)
}

// refusals are what the functions of migrations 00102 and 00205 say.
var refusals = map[string]*backend.Error{
	"unknown": backend.Errorf(backend.NotFound, "There is no such team or person."),
	"none":    backend.Errorf(backend.NotFound, "Nobody is invited there by that id."),
	"denied":  backend.Errorf(backend.Denied, "Only an admin of the team may do this."),
	"last":    backend.Errorf(backend.Invalid, "A team keeps at least one admin."),
}

func (s *Store) teamChange(ctx context.Context, p backend.Principal, sql string, args ...any) error {
	for _, arg := range args {
		if text, _ := arg.(string); strings.ContainsRune(text, 0) {
			return refusals["unknown"]
		}
	}
	var said string
	err := s.WithTenant(ctx, p, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, args...).Scan(&said) })
	if err != nil {
		return unavailable("change a team", err)
	}
	if refused := refusals[said]; refused != nil {
		return refused
	}
	return nil
}

func unavailable(what string, err error) error {
	if err == nil {
		return nil
	}
	return backend.Errorf(backend.Unavailable, "The database did not %s.", what).Wrap(scrub(err))
}
