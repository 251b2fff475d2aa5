package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

// world is what the oracle knows: who is in which team, what a project's sharing is, and where rows are. It is written by
// hand from the description of sharing, and knows neither the access table nor the rules of the stream.
type world struct {
	users    []someone
	members  map[someone]map[string]bool
	projects map[thing]*sharing
	rows     map[thing]*place
	random   *rand.Rand
}

type someone struct{ tenant, user string }

type thing struct{ tenant, id string }

type sharing struct{ owner, team, visibility string }

type place struct{ user, project string }

// sees is the oracle: one's own rows without a project; of a project its owner, who is in its team where it is shared with
// that, and everybody of the tenant where it is shared with all.
func (w *world) sees(who someone, row thing) bool {
	at := w.rows[row]
	if row.tenant != who.tenant {
		return false
	}
	if at.project == "" {
		return at.user == who.user
	}
	p := w.projects[thing{who.tenant, at.project}]
	return p != nil && (p.owner == who.user || p.visibility == "org" || p.visibility == "team" && w.members[who][p.team])
}

// TestSecurityAndStreamAgree compares, over hundreds of changes of memberships, sharing, owners and places, what
// row-level security lets each person read with what the stream sends them, and both with the oracle.
func TestSecurityAndStreamAgree(t *testing.T) {
	s := product(t, pgtest.New(t))
	w, conn := newWorld(t, s), s.source(t)
	s.write(t)
	url, _ := s.serve(t)
	api := s.db.Connect(t, "app_api")
	streams, replicas := map[someone]*connection{}, map[someone]*replica{}
	for _, who := range w.users {
		streams[who], replicas[who] = connect(t, url, worker(who.tenant, who.user), request("c", nil)), newReplica(t)
	}
	pairs, changes := 0, 0
	for round := range 25 {
		for range 10 {
			execute(t, conn, w.change())
			changes++
		}
		settle(t, conn, url)
		for _, who := range w.users {
			var want []string
			for row := range w.rows {
				pairs++
				if w.sees(who, row) {
					want = append(want, row.id)
				}
			}
			slices.Sort(want)
			if got := secured(t, api, who); !slices.Equal(got, want) {
				t.Fatalf("round %d: %v may read %q, the oracle says %q", round, who, got, want)
			}
			r := replicas[who]
			if !slices.Equal(r.contents("messages", "id"), want) {
				r.sync(streams[who], func() bool { return slices.Equal(r.contents("messages", "id"), want) })
			}
		}
	}
	t.Logf("%d pairs of a person and a row, %d changes", pairs, changes)
	if pairs < 2000 || changes < 200 {
		t.Error("that is too few")
	}
}

// secured are the ids of the messages that row-level security lets a person read.
func secured(t *testing.T, api *pgx.Conn, who someone) []string {
	t.Helper()
	tx, err := api.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), "SELECT set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)", who.tenant, who.user); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Query(t.Context(), "SELECT id FROM app.messages")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

// newWorld is two tenants with the same names for people, teams and projects.
func newWorld(t *testing.T, s *site) *world {
	t.Helper()
	w := &world{members: map[someone]map[string]bool{}, projects: map[thing]*sharing{}, rows: map[thing]*place{}, random: rand.New(rand.NewPCG(5, 42))}
	var sql strings.Builder
	for _, tenant := range []string{"a", "b"} {
		fmt.Fprintf(&sql, "INSERT INTO app.tenants VALUES ('%s', '');", tenant)
		for _, user := range []string{"u1", "u2", "u3", "u4"} {
			fmt.Fprintf(&sql, "INSERT INTO app.users (tenant_id, id, email) VALUES ('%s', '%s', '%[2]s@x');", tenant, user)
			w.users = append(w.users, someone{tenant, user})
			w.members[someone{tenant, user}] = map[string]bool{}
		}
		for _, team := range []string{"t1", "t2", "t3"} {
			fmt.Fprintf(&sql, "INSERT INTO app.teams (tenant_id, id, name) VALUES ('%s', '%s', '');", tenant, team)
		}
		for p := range 6 {
			id := thing{tenant, fmt.Sprint("p", p)}
			w.projects[id] = &sharing{owner: w.user(), team: w.team(), visibility: w.visibility()}
			fmt.Fprintf(&sql, "INSERT INTO app.projects (tenant_id, id, user_id, team_id, visibility) VALUES ('%s', '%s', '%s', '%s', '%s');",
				tenant, id.id, w.projects[id].owner, w.projects[id].team, w.projects[id].visibility)
		}
		for m := range 20 {
			id := thing{tenant, fmt.Sprint("m", tenant, m)}
			w.rows[id] = &place{user: w.user(), project: w.project()}
			fmt.Fprintf(&sql, "INSERT INTO app.messages (tenant_id, id, user_id, project_id) VALUES ('%s', '%s', '%s', nullif('%s', ''));",
				tenant, id.id, w.rows[id].user, w.rows[id].project)
		}
	}
	s.db.Exec(t, sql.String())
	return w
}

func (w *world) user() string { return fmt.Sprint("u", 1+w.random.IntN(4)) }
func (w *world) team() string { return fmt.Sprint("t", 1+w.random.IntN(3)) }
func (w *world) visibility() string {
	return []string{"private", "team", "team", "org"}[w.random.IntN(4)]
}
func (w *world) project() string {
	if w.random.IntN(4) == 0 {
		return ""
	}
	return fmt.Sprint("p", w.random.IntN(6))
}

// change makes one random change, and returns it as SQL.
func (w *world) change() string {
	tenant := []string{"a", "b"}[w.random.IntN(2)]
	switch w.random.IntN(6) {
	case 0, 1:
		return w.changeMember(someone{tenant, w.user()}, w.team())
	case 2, 3:
		id := thing{tenant, fmt.Sprint("p", w.random.IntN(6))}
		p := w.projects[id]
		p.team, p.visibility = w.team(), w.visibility()
		return fmt.Sprintf("UPDATE app.projects SET team_id = '%s', visibility = '%s' WHERE tenant_id = '%s' AND id = '%s'", p.team, p.visibility, tenant, id.id)
	case 4:
		id := thing{tenant, fmt.Sprint("p", w.random.IntN(6))}
		w.projects[id].owner = w.user()
		return fmt.Sprintf("UPDATE app.projects SET user_id = '%s' WHERE tenant_id = '%s' AND id = '%s'", w.projects[id].owner, tenant, id.id)
	default:
		id := thing{tenant, fmt.Sprint("m", tenant, w.random.IntN(20))}
		*w.rows[id] = place{w.user(), w.project()}
		return fmt.Sprintf("UPDATE app.messages SET user_id = '%s', project_id = nullif('%s', '') WHERE tenant_id = '%s' AND id = '%s'",
			w.rows[id].user, w.rows[id].project, tenant, id.id)
	}
}

func (w *world) changeMember(who someone, team string) string {
	if w.members[who][team] {
		delete(w.members[who], team)
		return fmt.Sprintf("DELETE FROM app.memberships WHERE tenant_id = '%s' AND team_id = '%s' AND user_id = '%s'", who.tenant, team, who.user)
	}
	w.members[who][team] = true
	return fmt.Sprintf("INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ('%s', '%s', '%s')", who.tenant, team, who.user)
}
