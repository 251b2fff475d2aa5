package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// Projects lists the projects of a context memory by name, with how many rows each has; none in a file of another kind.
func (f *File) Projects(ctx context.Context) (list []app.Project, err error) {
	err = f.reading(ctx, "project", func(c *conn) error {
		id, err := f.readIdentity(ctx, c)
		if err != nil || !id.contextMemory() {
			return err
		}
		if list, err = c.projects(ctx); err != nil {
			return err
		}
		counts, err := c.rowsOfProjects(ctx)
		for i := range list {
			list[i].Rows = counts[list[i].ID]
		}
		return err
	})
	return list, err
}

func (c *conn) projects(ctx context.Context) (list []app.Project, err error) {
	rows, err := c.QueryContext(ctx, "SELECT id, name, path, user_id, visibility, team_id FROM "+schema.Projects+" ORDER BY name COLLATE NOCASE, id")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p app.Project
		var name, path, owner, visibility, team sql.NullString
		if err := rows.Scan(&p.ID, &name, &path, &owner, &visibility, &team); err != nil {
			return nil, err
		}
		p.Name, p.Path, p.Owner, p.Team = name.String, path.String, owner.String, team.String
		p.Visibility = cmp.Or(app.Visibility(visibility.String), app.VisiblePrivate)
		list = append(list, p)
	}
	return list, rows.Err()
}

// rowsOfProjects counts what belongs to each project, whether it is there or not.
func (c *conn) rowsOfProjects(ctx context.Context) (map[string]int64, error) {
	var parts []string
	for _, t := range schema.Tables() {
		if t.Name != schema.Projects {
			parts = append(parts, "SELECT project_id FROM "+t.Name+" WHERE project_id IS NOT NULL")
		}
	}
	rows, err := c.QueryContext(ctx, "SELECT project_id, count(*) FROM ("+strings.Join(parts, " UNION ALL ")+") GROUP BY project_id")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	counts := map[string]int64{}
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		counts[id] = n
	}
	return counts, rows.Err()
}

// ShareProject writes who sees a project, as an ordinary change that goes up like any other. team is the team's id, empty but
// for app.VisibleTeam. The error is CodeNotFound for a project that is not there.
func (f *File) ShareProject(ctx context.Context, id string, to app.Visibility, team string) error {
	return f.writing(ctx, "share", func(c *conn) error {
		result, err := c.ExecContext(ctx, "UPDATE "+schema.Projects+` SET visibility = ?, team_id = nullif(?, ''),
			updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = ?`, string(to), team, id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return app.Errorf(app.CodeNotFound, "share", "The project is not in the file any more.").Typed("`coditect-sync project list` lists them.")
	})
}
