package story_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// organisation is a cloud in which somebody has two teams, and another tenant.
type organisation struct {
	t                   *testing.T
	db                  *pgx.Conn
	mira, tom, ada, zoe *member
	people              []*member
	inTeam              map[string][]*member
	projects            []string // of Mira, the last of them hers alone
}

func newOrganisation(t *testing.T) *organisation {
	t.Helper()
	c := cloudtest.New(t)
	o := &organisation{t: t, db: c.DB.Connect(t, "postgres"), projects: []string{"p-core", "p-edge", "p-org", "p-own"}}
	joins := func(tenant, name string) *member {
		email := name + "@" + tenant + ".works"
		m := join(t, c, cloudtest.Person{Email: email, Password: c.Add(t, tenant, email)})
		o.people = append(o.people, m)
		return m
	}
	o.mira, o.tom, o.ada, o.zoe = joins("lumen", "mira"), joins("lumen", "tom"), joins("lumen", "ada"), joins("acme", "zoe")
	for _, team := range []string{"Core", "Edge"} {
		o.mira.do("team", "create", team)
	}
	o.mira.do("team", "join", "Core", o.tom.person.Email)
	o.mira.do("team", "join", "Edge", o.ada.person.Email)
	o.inTeam = map[string][]*member{"Core": {o.mira, o.tom}, "Edge": {o.mira, o.ada}}
	for _, p := range o.projects {
		shell(t, o.mira.file(), fmt.Sprintf("INSERT INTO projects(id, name) VALUES ('%s', '%s')", p, p))
	}
	o.mira.do("push")
	return o
}

// share says who sees a project, as its owner.
func (o *organisation) share(project string, who ...string) {
	o.t.Helper()
	o.mira.do(append([]string{"project", "share", project}, who...)...)
}

// holds waits until a machine holds rows of a project, or none, and returns how long that took.
func (o *organisation) holds(m *member, project string, some bool) time.Duration {
	o.t.Helper()
	began := time.Now()
	m.eventually(fmt.Sprintf("rows of %s (%v) with %s", project, some, m.person.Email), func() bool {
		n := shell(o.t, m.file(), fmt.Sprintf("SELECT (SELECT count(*) FROM projects WHERE id = '%[1]s') + (SELECT count(*) FROM decisions WHERE project_id = '%[1]s')", project))
		return (n != "0") == some
	})
	return time.Since(began)
}

// scribe writes decisions one after another, in turn into each project and into none, until it is stopped.
type scribe struct {
	m    *member
	name string
	cmd  *exec.Cmd
	in   io.Closer
	out  bytes.Buffer
	errs bytes.Buffer
}

const scribeWrites = `
import sqlite3, sys, threading, time
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
end = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), end.set()), daemon=True).start()
into, n = [None] + sys.argv[3:], 0
while not end.wait(0.05):
    id = "%s-%06d" % (sys.argv[2], n)
    db.execute("INSERT INTO decisions(id, project_id, decision) VALUES (?, ?, ?)", (id, into[n % len(into)], "by " + id))
    print(id, flush=True)
    n += 1`

func (o *organisation) scribe(m *member) *scribe {
	o.t.Helper()
	name, _, _ := strings.Cut(m.person.Email, "@")
	s := &scribe{m: m, name: name}
	s.cmd = exec.CommandContext(o.t.Context(), "python3", append([]string{"-c", scribeWrites, m.file(), name}, o.projects...)...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.errs
	in, err := s.cmd.StdinPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	s.in = in
	return s
}

// stop returns the ids that were committed.
func (s *scribe) stop(t *testing.T) []string {
	t.Helper()
	_ = s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("%s as a writer: %v\n%s", s.name, err, s.errs.String())
	}
	return strings.Fields(s.out.String())
}

// mayHold is what a person's machines are to hold, from the projects as they are and the teams as the test made them. It asks
// neither the access table nor a policy.
func (o *organisation) mayHold(m *member) []string {
	o.t.Helper()
	var user, tenant string
	if err := o.db.QueryRow(o.t.Context(), "SELECT id, tenant_id FROM app.users WHERE email = $1", m.person.Email).Scan(&user, &tenant); err != nil {
		o.t.Fatal(err)
	}
	rows, err := o.db.Query(o.t.Context(), `SELECT p.id, p.user_id = $2, p.visibility, coalesce(t.name, '') FROM app.projects p
		LEFT JOIN app.teams t ON t.tenant_id = p.tenant_id AND t.id = p.team_id WHERE p.tenant_id = $1`, tenant, user)
	if err != nil {
		o.t.Fatal(err)
	}
	var seen []string
	var id, visibility, team string
	var own bool
	if _, err := pgx.ForEachRow(rows, []any{&id, &own, &visibility, &team}, func() error {
		if own || visibility == "org" || visibility == "team" && slices.Contains(o.inTeam[team], m) {
			seen = append(seen, id)
		}
		return nil
	}); err != nil {
		o.t.Fatal(err)
	}
	return o.list(`SELECT id FROM app.projects WHERE tenant_id = $1 AND id = ANY ($3) UNION ALL
		SELECT id || ' ' || coalesce(project_id, '-') || ' ' || decision FROM app.decisions
		WHERE tenant_id = $1 AND (project_id IS NULL AND user_id = $2 OR project_id = ANY ($3)) ORDER BY 1`, tenant, user, seen)
}

func (o *organisation) list(query string, args ...any) []string {
	o.t.Helper()
	rows, err := o.db.Query(o.t.Context(), query, args...)
	if err != nil {
		o.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		o.t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// held is the same of what a machine holds.
func (m *member) held() []string {
	list := strings.Split(shell(m.t, m.file(), `SELECT id FROM projects UNION ALL
		SELECT id || ' ' || ifnull(project_id, '-') || ' ' || decision FROM decisions`), "\n")
	slices.Sort(list)
	return list
}

func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return slices.Contains(others, one) })
}

// settled waits until every machine holds exactly what it may, and has that proved by row hashes.
func (o *organisation) settled() {
	o.t.Helper()
	for _, m := range o.people {
		m.do("push")
	}
	for _, m := range o.people {
		want, has := o.mayHold(m), m.held()
		for deadline := time.Now().Add(patience); !slices.Equal(want, has); want, has = o.mayHold(m), m.held() {
			if time.Now().After(deadline) {
				o.t.Fatalf("%s lacks %q and has %q too much\nlog:\n%s", m.person.Email, without(want, has), without(has, want), m.log())
			}
			time.Sleep(20 * time.Millisecond)
		}
		m.do("verify")
	}
}

// TestTeams: two teams, an organisation and somebody of another one. Whatever is shared and taken away while all of them write,
// in the end everything is where it should be, nothing where it should not, and no row that anybody wrote is gone.
func TestTeams(t *testing.T) {
	o := newOrganisation(t)
	var scribes []*scribe
	for _, m := range o.people {
		scribes = append(scribes, o.scribe(m))
	}
	turns := [][]string{{"--team", "Core"}, {"--org"}, {"--private"}, {"--team", "Edge", "--read-only"}, {"--org", "--read-only"}, {"--team", "Edge"}, {"--private"}}
	for n := range teamTurns {
		o.share(o.projects[n%3], turns[n%len(turns)]...)
		switch n % 6 {
		case 2:
			o.mira.do("team", "leave", "Core", o.tom.person.Email)
		case 4:
			o.mira.do("team", "join", "Core", o.tom.person.Email)
		}
	}
	o.mira.do("team", "join", "Core", o.tom.person.Email)
	o.share("p-core", "--team", "Core")
	o.share("p-edge", "--team", "Edge")
	o.share("p-org", "--org")
	o.share("p-own", "--private")
	t.Logf("shared under load after %v, %v", o.holds(o.tom, "p-core", true), o.holds(o.ada, "p-edge", true))

	written := map[*member][]string{}
	for _, s := range scribes {
		written[s.m] = s.stop(t)
	}
	o.settled()
	o.nothingGone(written)

	t.Log("taken away again")
	o.share("p-org", "--private")
	t.Logf("gone after %v, %v", o.holds(o.tom, "p-org", false), o.holds(o.ada, "p-org", false))
	o.mira.do("team", "leave", "Core", o.tom.person.Email)
	o.inTeam["Core"] = []*member{o.mira}
	t.Logf("out of the team after %v", o.holds(o.tom, "p-core", false))
	told := func() (n int) {
		events, err := local.NewClient(local.SocketPath(o.tom.home), "story").Activity(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(e.Text, "no longer shared with you") && e.Count > 0 {
				n++
			}
		}
		return n
	}
	o.tom.eventually("being told", func() bool { return told() > 0 })
	o.settled()
	o.nothingGone(written)
}

// nothingGone finds every row that was committed in the database, or in the lost & found of the machine that wrote it.
func (o *organisation) nothingGone(written map[*member][]string) {
	o.t.Helper()
	there := map[string]bool{}
	for _, id := range o.list("SELECT id FROM app.decisions") {
		there[id] = true
	}
	for m, ids := range written {
		var items []app.LostItem
		m.json(&items, "lost", "list")
		lost := map[string]bool{}
		for _, i := range items {
			var mine map[string]any
			if json.Unmarshal(i.Mine, &mine) == nil && mine["decision"] == "by "+i.Row {
				lost[i.Row] = true
			}
		}
		n := 0
		for _, id := range ids {
			switch {
			case there[id]:
				n++
			case !lost[id]:
				o.t.Errorf("%s, which %s wrote, is nowhere", id, m.person.Email)
			}
		}
		o.t.Logf("%s: %d rows written, %d in the cloud, %d in lost & found", m.person.Email, len(ids), n, len(lost))
		if len(ids) == 0 || n == 0 {
			o.t.Errorf("%s wrote next to nothing", m.person.Email)
		}
	}
}
