package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

// sharing is the product's rule about who sees what, written down by hand and kept in Go: the oracle that the database is
// held against. It knows nothing of app.access.
type sharing struct {
	users, teams, projects []string
	member                 map[[2]string]bool // team, user
	disabled               map[string]bool
	project                map[string]*shared
}

type shared struct {
	owner, team, visibility string
	membersWrite, gone      bool
}

func (s *sharing) reads(user, project string) bool {
	p := s.project[project]
	switch {
	case s.disabled[user]:
		return false
	case p.owner == user:
		return true
	case p.gone:
		return false
	case p.visibility == "team":
		return s.member[[2]string{p.team, user}]
	}
	return p.visibility == "org"
}

func (s *sharing) writes(user, project string) bool {
	p := s.project[project]
	return s.reads(user, project) && (p.owner == user || p.membersWrite)
}

// change makes a random change, in the oracle and as SQL.
func (s *sharing) change(r *rand.Rand) string {
	user, team, project := pick(r, s.users), pick(r, s.teams), pick(r, s.projects)
	p := s.project[project]
	switch r.IntN(8) {
	case 0, 1, 2:
		s.member[[2]string{team, user}] = true
		return fmt.Sprintf("INSERT INTO app.memberships VALUES ('acme', '%s', '%s') ON CONFLICT DO NOTHING", team, user)
	case 3, 4:
		delete(s.member, [2]string{team, user})
		return fmt.Sprintf("DELETE FROM app.memberships WHERE team_id = '%s' AND user_id = '%s'", team, user)
	case 5:
		p.visibility, p.team, p.membersWrite = pick(r, []string{"private", "team", "org"}), team, r.IntN(2) == 0
		return fmt.Sprintf("UPDATE app.projects SET visibility = '%s', team_id = '%s', members_can_write = %v WHERE id = '%s'", p.visibility, team, p.membersWrite, project)
	case 6:
		s.disabled[user] = !s.disabled[user]
		return fmt.Sprintf("UPDATE app.users SET disabled_at = CASE WHEN disabled_at IS NULL THEN now() END WHERE id = '%s'", user)
	}
	if r.IntN(4) > 0 {
		return "SELECT"
	}
	p.gone = true
	return fmt.Sprintf("DELETE FROM app.projects WHERE id = '%s'", project)
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i)
	}
	return out
}

// TestSecurityAgreesWithTheRule makes 300 random changes of sharing and compares, after each, what some users read and may
// write through row-level security with the rule.
func TestSecurityAgreesWithTheRule(t *testing.T) {
	db := pgtest.New(t)
	s := &sharing{users: names("u", 12), teams: names("t", 4), projects: names("p", 25), member: map[[2]string]bool{}, disabled: map[string]bool{}, project: map[string]*shared{}}
	db.Exec(t, "INSERT INTO app.tenants VALUES ('acme', 'Acme'), ('evil', 'Evil'); INSERT INTO app.users (tenant_id, id, email) VALUES ('evil', 'u0', 'x')")
	db.Exec(t, "INSERT INTO app.users (tenant_id, id, email) SELECT 'acme', u, u FROM unnest($1::text[]) u", s.users)
	db.Exec(t, "INSERT INTO app.teams (tenant_id, id, name) SELECT 'acme', u, u FROM unnest($1::text[]) u", s.teams)
	for i, p := range s.projects {
		s.project[p] = &shared{owner: s.users[i%len(s.users)]}
		db.Exec(t, "INSERT INTO app.projects (tenant_id, id, user_id) VALUES ('acme', $1, $2)", p, s.project[p].owner)
		db.Exec(t, "INSERT INTO app.messages (tenant_id, id, user_id, project_id) VALUES ('acme', 'm-' || $1, $2, $1)", p, s.project[p].owner)
	}
	root, api := db.Connect(t, "postgres"), db.Connect(t, "app_api")
	r := rand.New(rand.NewPCG(4, 2))
	compared := 0
	for i := range 300 {
		sql := s.change(r)
		if _, err := root.Exec(t.Context(), sql); err != nil {
			t.Fatal(sql, err)
		}
		for range 3 {
			user := pick(r, s.users)
			var reads, writes []string
			for _, p := range s.projects {
				if s.reads(user, p) {
					reads = append(reads, "m-"+p)
				}
				if s.writes(user, p) {
					writes = append(writes, "m-"+p)
				}
				compared += 2
			}
			for sql, want := range map[string][]string{"SELECT id FROM app.messages": reads, "SELECT id FROM app.messages FOR UPDATE": writes} {
				if got := asUser(t, api, user, sql); !slices.Equal(sorted(got), sorted(want)) {
					t.Fatalf("after change %d, %s: %s: %q, want %q", i, user, sql, got, want)
				}
			}
		}
	}
	t.Logf("%d pairs of user and row compared", compared)
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

func asUser(t *testing.T, conn *pgx.Conn, user, sql string) (found []string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT set_config('app.tenant_id', 'acme', true), set_config('app.user_id', $1, true)", user); err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), sql)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
