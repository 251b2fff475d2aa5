package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

// office is a tenant with three people, one team of ann and bob, and a project of ann's.
const office = `
	INSERT INTO app.tenants VALUES ('acme', 'Acme');
	INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'ann', 'a@x'), ('acme', 'bob', 'b@x'), ('acme', 'cy', 'c@x');
	INSERT INTO app.teams (tenant_id, id, name) VALUES ('acme', 'core', 'Core');
	INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ('acme', 'core', 'ann'), ('acme', 'core', 'bob');
	INSERT INTO app.projects (tenant_id, id, user_id, team_id, visibility) VALUES ('acme', 'p', 'ann', 'core', 'private');`

func TestAccessFollowsSharing(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, office)
	conn := db.Connect(t, "postgres")
	for _, step := range []struct {
		what, sql string
		want      []string
	}{
		{"private", "SELECT", []string{"ann w"}},
		{"shared with the team", "UPDATE app.projects SET visibility = 'team'", []string{"ann w", "bob w"}},
		{"read only", "UPDATE app.projects SET members_can_write = false", []string{"ann w", "bob r"}},
		{"joins", "INSERT INTO app.memberships VALUES ('acme', 'core', 'cy')", []string{"ann w", "bob r", "cy r"}},
		{"leaves", "DELETE FROM app.memberships WHERE user_id = 'bob'", []string{"ann w", "cy r"}},
		{"the whole tenant", "UPDATE app.projects SET visibility = 'org', members_can_write = true", []string{"ann w", "bob w", "cy w"}},
		{"disabled", "UPDATE app.users SET disabled_at = now() WHERE id = 'bob'", []string{"ann w", "cy w"}},
		{"a new colleague", "INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'dee', 'd@x')", []string{"ann w", "cy w", "dee w"}},
		{"handed over", "UPDATE app.projects SET user_id = 'cy', visibility = NULL", []string{"cy w"}},
		{"its row is deleted", "DELETE FROM app.projects", []string{"cy w"}},
		{"its owner is gone", "DELETE FROM app.users WHERE id = 'cy'", nil},
	} {
		db.Exec(t, step.sql)
		got := lines(t, conn, "SELECT user_id || CASE WHEN can_write THEN ' w' ELSE ' r' END FROM app.access WHERE project_id = 'p' ORDER BY user_id")
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: %q, want %q", step.what, got, step.want)
		}
	}
}

func TestAnUnrelatedEditOfAProjectLeavesAccessAlone(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, office)
	conn := db.Connect(t, "postgres")
	before := lines(t, conn, "SELECT xmin::text || ctid::text FROM app.access")
	db.Exec(t, "UPDATE app.projects SET name = 'new'; UPDATE app.memberships SET role = 'admin'; UPDATE app.users SET name = 'A'")
	if after := lines(t, conn, "SELECT xmin::text || ctid::text FROM app.access"); !slices.Equal(before, after) {
		t.Errorf("rewritten: %q, %q", before, after)
	}
}

// TestBothEndsOfAShareAtOnce changes a membership and a project in transactions that overlap, many times: whoever commits
// last must have seen the other.
func TestBothEndsOfAShareAtOnce(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, office)
	conns := []*pgx.Conn{db.Connect(t, "postgres"), db.Connect(t, "postgres")}
	for range 50 {
		db.Exec(t, "DELETE FROM app.memberships WHERE user_id = 'cy'; UPDATE app.projects SET visibility = 'private'")
		var wg sync.WaitGroup
		for i, sql := range []string{"INSERT INTO app.memberships VALUES ('acme', 'core', 'cy')", "UPDATE app.projects SET visibility = 'team'"} {
			wg.Go(func() {
				if _, err := conns[i].Exec(context.Background(), "BEGIN; "+sql+"; COMMIT"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := lines(t, conns[0], "SELECT user_id FROM app.access ORDER BY 1"); !slices.Equal(got, []string{"ann", "bob", "cy"}) {
			t.Fatalf("access of %q", got)
		}
	}
}
