package stream

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// acme is a tenant with two people, a team of ann, and a project of ann's that is private.
const acme = `
	INSERT INTO app.tenants VALUES ('acme', 'Acme');
	INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'ann', 'a@x'), ('acme', 'bob', 'b@x');
	INSERT INTO app.teams (tenant_id, id, name) VALUES ('acme', 'core', 'Core');
	INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ('acme', 'core', 'ann');
	INSERT INTO app.projects (tenant_id, id, user_id, team_id, visibility) VALUES ('acme', 'p', 'ann', 'core', 'private');
	INSERT INTO app.messages (tenant_id, id, user_id, project_id, content) VALUES
		('acme', 'm1', 'ann', 'p', 'in the project'), ('acme', 'm2', 'ann', NULL, 'of ann'), ('acme', 'm3', 'bob', NULL, 'of bob');
	INSERT INTO app.decisions (tenant_id, id, user_id, project_id, decision, confidence) VALUES ('acme', 'd1', 'ann', 'p', 'yes', 1);`

func worker(tenant, user string) string {
	return token(map[string]any{"tenant_id": tenant, "sub": user})
}

func TestAProjectComesAndGoesWithItsSharing(t *testing.T) {
	s := product(t, pgtest.New(t))
	s.db.Exec(t, acme)
	s.write(t)
	url, _ := s.serve(t)
	c, r := connect(t, url, worker("acme", "bob"), request("c", nil)), newReplica(t)
	all := []string{"in the project", "of bob"}
	mine := []string{"of bob"}
	for _, step := range []struct {
		what, sql string
		want      []string
	}{
		{"at first", "SELECT 1", mine},
		{"shared with a team", "UPDATE app.projects SET visibility = 'team'", mine},
		{"joins the team", "INSERT INTO app.memberships VALUES ('acme', 'core', 'bob')", all},
		{"leaves it", "DELETE FROM app.memberships WHERE user_id = 'bob'", mine},
		{"shared with all", "UPDATE app.projects SET visibility = 'org'", all},
		{"a row leaves the project", "UPDATE app.messages SET project_id = NULL WHERE id = 'm1'", mine},
		{"and comes back", "UPDATE app.messages SET project_id = 'p' WHERE id = 'm1'", all},
		{"private again", "UPDATE app.projects SET visibility = 'private'", mine},
	} {
		s.db.Exec(t, step.sql)
		r.reaches(c, step.want)
		if projects := len(r.contents(schema.Projects, "id")); projects != len(step.want)-1 && step.what[:5] != "a row" {
			t.Errorf("%s: %d projects", step.what, projects)
		}
	}
}

func TestDocumentsHaveTheColumnsOfTheSchema(t *testing.T) {
	s := product(t, pgtest.New(t))
	s.db.Exec(t, acme)
	s.write(t)
	url, _ := s.serve(t)
	c, r := connect(t, url, worker("acme", "ann"), request("c", nil)), newReplica(t)
	r.apply(c.until("checkpoint_complete")...)
	for id, document := range r.rows() {
		i := slices.IndexFunc(schema.Tables(), func(t schema.Table) bool { return t.Name == id.table })
		var names []string
		decoder := json.NewDecoder(strings.NewReader(document))
		for depth := -1; decoder.More() || depth < 0; depth++ {
			if name, err := decoder.Token(); err == nil && depth >= 0 && depth%2 == 0 {
				names = append(names, name.(string))
			}
		}
		var want []string
		for _, column := range schema.Tables()[i].Columns {
			want = append(want, column.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%v has %q, want %q", id, names, want)
		}
	}
	if len(r.rows()) != 4 {
		t.Errorf("%d rows", len(r.rows()))
	}
}

func TestLookAlikesOfAnotherTenantSeeNothing(t *testing.T) {
	s := product(t, pgtest.New(t))
	s.db.Exec(t, acme+`
		INSERT INTO app.tenants VALUES ('acme2', 'Other');
		INSERT INTO app.users (tenant_id, id, email) VALUES ('acme2', 'ann', 'a@x');
		INSERT INTO app.messages (tenant_id, id, user_id, content) VALUES ('acme2', 'm1', 'ann', 'of the other ann');`)
	s.write(t)
	url, _ := s.serve(t)
	for tenant, want := range map[string][]string{"acme2": {"of the other ann"}, "": {}, "nobody": {}, `acme","ann"]`: {}} {
		c, r := connect(t, url, worker(tenant, "ann"), request("c", nil)), newReplica(t)
		r.apply(c.until("checkpoint_complete")...)
		if got := r.contents("messages", "content"); !slices.Equal(got, want) || len(r.rows()) != len(want) {
			t.Errorf("tenant %q sees %q", tenant, got)
		}
	}
}

// A person with two thousand projects has six thousand buckets. All of them come, and a change in one is told without
// those of the others.
func TestTwoThousandProjects(t *testing.T) {
	s := product(t, pgtest.New(t))
	s.db.Exec(t, acme)
	s.db.Exec(t, `INSERT INTO app.projects (tenant_id, id, user_id, name) SELECT 'acme', 'p' || g, 'bob', 'p' || g FROM generate_series(1, 2000) g`)
	s.db.Exec(t, `INSERT INTO app.messages (tenant_id, id, user_id, project_id, content) SELECT 'acme', 'pm' || g, 'bob', 'p' || g, 'm' || g FROM generate_series(1, 2000) g`)
	s.db.Exec(t, `INSERT INTO app.decisions (tenant_id, id, user_id, project_id) SELECT 'acme', 'pd' || g, 'bob', 'p' || g FROM generate_series(1, 2000) g`)
	s.write(t)
	url, _ := s.serve(t)
	start := time.Now()
	c, r := connect(t, url, worker("acme", "bob"), request("c", nil)), newReplica(t)
	r.apply(c.until("checkpoint_complete")...)
	t.Logf("first sync of 6,000 buckets in %v", time.Since(start).Round(time.Millisecond))
	if len(r.target) != 6003 || len(r.rows()) != 6001 {
		t.Errorf("%d buckets, %d rows", len(r.target), len(r.rows()))
	}
	start = time.Now()
	s.db.Exec(t, "UPDATE app.messages SET content = 'new' WHERE id = 'pm7'")
	lines := c.until("checkpoint_complete")
	t.Logf("a live change in %v", time.Since(start).Round(time.Millisecond))
	r.apply(lines...)
	if len(lines[0].raw) > 1000 || !slices.Contains(r.contents("messages", "content"), "new") {
		t.Errorf("told by %.300s", lines[0].raw)
	}
	start = time.Now()
	again, r2 := connect(t, url, worker("acme", "bob"), request("d", r.positions())), r.clone()
	r2.got = map[string]int{}
	r2.apply(again.until("checkpoint_complete")...)
	t.Logf("resumed in %v", time.Since(start).Round(time.Millisecond))
	if r2.got["PUT"] != 0 {
		t.Errorf("resuming sends %d rows", r2.got["PUT"])
	}
}
