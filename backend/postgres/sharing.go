package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Projects lists what the principal sees, and who may write there.
func (s *Store) Projects(ctx context.Context, p backend.Principal) (all []backend.Project, err error) {
	err = s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT p.id, a.can_write, p.members_can_write FROM app.access a
			JOIN app.projects p ON p.tenant_id = a.tenant_id AND p.id = a.project_id ORDER BY p.id`)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[backend.Project])
		return err
	})
	return all, unavailable("list the projects", err)
}

// Readers lists who sees a project that the principal sees, the owner first.
func (s *Store) Readers(ctx context.Context, p backend.Principal, project string) (all []backend.Reader, err error) {
	none := backend.Errorf(backend.NotFound, "There is no such project.")
	if strings.ContainsRune(project, 0) {
		return nil, none
	}
	err = s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT user_id, email, name, owner, can_write, machines FROM app.readers($1)", project)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[backend.Reader])
		return err
	})
	if err == nil && len(all) == 0 {
		return nil, none
	}
	return all, unavailable("list the people", err)
}

// SetMembersWrite says whether those with whom the principal shares a project write into it.
func (s *Store) SetMembersWrite(ctx context.Context, p backend.Principal, project string, may bool) error {
	err := s.teamChange(ctx, p, "SELECT app.set_members_write($1, $2)", project, may)
	switch backend.CodeOf(err) {
	case backend.NotFound:
		return backend.Errorf(backend.NotFound, "There is no such project.")
	case backend.Denied:
		return backend.Errorf(backend.Denied, "Only the owner of a project may do this.")
	default:
		return err
	}
}
