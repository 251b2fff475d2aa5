package story_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// member is a machine of a person in a cloud.
type member struct {
	*machine
	cloud  *cloudtest.Cloud
	person cloudtest.Person
}

// join starts an agent in a new home and signs the person in by a code.
func join(t *testing.T, c *cloudtest.Cloud, p cloudtest.Person) *member {
	t.Helper()
	m := &member{newMachine(t, "DBUS_SESSION_BUS_ADDRESS="), c, p} // no keychain of the machine that tests
	m.start()
	m.signIn()
	return m
}

func (m *member) signIn() {
	m.t.Helper()
	api := local.NewClient(local.SocketPath(m.home), "story")
	l, err := api.BeginLogin(m.t.Context(), app.LoginRequest{Server: m.cloud.URL, Device: true})
	if err != nil || l.Code == "" {
		m.t.Fatalf("sign-in: %+v, %v\n%s", l, err, m.log())
	}
	if _, err := m.person.TypeCode(l.URL, l.Code, false); err != nil {
		m.t.Fatal(err)
	}
	m.eventually("the sign-in", func() bool {
		l, err = api.LoginState(m.t.Context())
		if err != nil || l.State == app.LoginFailed {
			m.t.Fatalf("sign-in: %+v, %v\n%s", l, err, m.log())
		}
		return l.State == app.LoginDone
	})
}

func (m *member) file() string { return filepath.Join(m.home, "context.db") }

// memoryOf is every row of the context memory, a line each, in order; the same text on both sides for the same rows.
func (m *member) memoryOf() string {
	m.t.Helper()
	var all []string
	for _, t := range schema.Tables() {
		var columns []string
		for _, c := range t.Columns {
			columns = append(columns, "ifnull("+c.Name+", '-')")
		}
		all = append(all, t.Name, shell(m.t, m.file(), fmt.Sprintf("SELECT %s FROM %s ORDER BY id", strings.Join(columns, " || '|' || "), t.Name)))
	}
	return strings.Join(all, "\n")
}

// inPostgres is the same text of what the database holds.
func inPostgres(t *testing.T, db *pgx.Conn) string {
	t.Helper()
	var all []string
	for _, table := range schema.Tables() {
		var columns []string
		for _, c := range table.Columns {
			text := c.Name + "::text"
			if c.Type == schema.Real {
				text = "CASE WHEN " + c.Name + " = trunc(" + c.Name + "::numeric) THEN " + c.Name + "::numeric(20,1)::text ELSE " + c.Name + "::text END"
			}
			columns = append(columns, "coalesce("+text+", '-')")
		}
		rows, err := db.Query(context.Background(), fmt.Sprintf("SELECT concat_ws('|', %s) FROM app.%s ORDER BY id COLLATE \"C\"", strings.Join(columns, ", "), table.Name))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, table.Name, strings.Join(lines, "\n"))
	}
	return strings.Join(all, "\n")
}

// alike waits until all machines hold what PostgreSQL holds, and returns that.
func alike(t *testing.T, db *pgx.Conn, machines ...*member) string {
	t.Helper()
	var there string
	for _, m := range machines {
		m.eventually("the same rows everywhere", func() bool {
			there = inPostgres(t, db)
			return m.memoryOf() == there
		})
	}
	return there
}

// python runs a script on the file.
func python(t *testing.T, file, script string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "python3", "-c", "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=60)\n"+script+"\ndb.commit()", file)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("Python: %v\n%s", err, out)
	}
}

const pythonWrites = `
for i in range(%d):
    with db:
        db.execute("INSERT INTO sessions(id, title, source) VALUES (?, ?, 'python')", ("%s-s%%d" %% i, "Sitzung %%d, größer" %% i))
        for j in range(3):
            db.execute("INSERT INTO messages(id, session_id, role, content) VALUES (?, ?, 'user', ?)", ("%s-m%%d-%%d" %% (i, j), "%s-s%%d" %% i, "text %%d" %% j))
        db.execute("INSERT INTO decisions(id, decision, confidence) VALUES (?, ?, ?)", ("%s-d%%d" %% i, "decision %%d" %% i, i / 8))`

func (m *member) writes(n int, prefix string) {
	m.t.Helper()
	python(m.t, m.file(), fmt.Sprintf(pythonWrites, n, prefix, prefix, prefix, prefix))
}

// newCloud is a cloud with two people of one tenant.
func newCloud(t *testing.T) (c *cloudtest.Cloud, mira, tom cloudtest.Person, db *pgx.Conn) {
	t.Helper()
	c = cloudtest.New(t)
	mira = cloudtest.Person{Email: "mira@lumen.works", Password: c.Add(t, "lumen", "mira@lumen.works")}
	tom = cloudtest.Person{Email: "tom@lumen.works", Password: c.Add(t, "lumen", "tom@lumen.works")}
	return c, mira, tom, c.DB.Connect(t, "postgres")
}

// TestCloud is the primary path between real machines: a row that any program writes on one of them appears on the others,
// offline-first, and is proved.
func TestCloud(t *testing.T) {
	c, mira, tom, db := newCloud(t)
	a := join(t, c, mira)
	first := a.healthy()
	if first.State != app.StateCloud || !strings.Contains(first.Summary, "are both empty") {
		t.Fatalf("first run ended on %q in state %s", first.Summary, first.State)
	}
	a.writes(20, "a")
	shell(t, a.file(), "UPDATE decisions SET rationale = 'because' WHERE id = 'a-d3'; DELETE FROM messages WHERE id = 'a-m1-1';")
	b := join(t, c, mira)
	alike(t, db, a, b)

	t.Log("an offline spell of both, with a conflict")
	c.Stop(t)
	a.writes(5, "offline-a")
	shell(t, a.file(), "UPDATE decisions SET decision = 'from A' WHERE id = 'a-d1'")
	b.writes(5, "offline-b")
	shell(t, b.file(), "UPDATE decisions SET decision = 'from B' WHERE id = 'a-d1'; UPDATE sessions SET title = 'renamed on B' WHERE id = 'a-s2'")
	a.eventually("changes that wait", func() bool { return a.status().Cloud.PendingUploads > 0 })
	if st := a.status(); st.Healthy && time.Since(st.Cloud.WaitingSince) > time.Minute {
		t.Errorf("healthy with %+v", st.Cloud)
	}
	c.Start(t)
	for _, m := range []*member{a, b} {
		m.do("push")
	}
	both := alike(t, db, a, b)
	if !strings.Contains(both, "from B") || strings.Contains(both, "from A") || !strings.Contains(both, "renamed on B") {
		t.Errorf("of a conflict the newest value wins, and only in its column")
	}

	t.Log("two people in one project")
	d := join(t, c, tom)
	d.healthy()
	if text := d.memoryOf(); strings.Contains(text, "a-d1") {
		t.Error("Tom sees what Mira did not share")
	}
	shell(t, a.file(), `INSERT INTO projects(id, name, visibility) VALUES ('p-1', 'shared', 'org');
		INSERT INTO decisions(id, project_id, decision) VALUES ('p-d1', 'p-1', 'for all');`)
	d.eventually("the shared project", func() bool { return strings.Contains(d.memoryOf(), "for all") })
	shell(t, d.file(), "INSERT INTO decisions(id, project_id, decision) VALUES ('p-d2', 'p-1', 'by Tom')")
	a.eventually("what Tom wrote", func() bool { return strings.Contains(a.memoryOf(), "by Tom") })
	alike(t, db, a, b)
	if text := d.memoryOf(); strings.Contains(text, "a-d1") || !strings.Contains(text, "for all") {
		t.Error("Tom's rows are not those he may see")
	}
	for _, m := range []*member{a, b, d} {
		m.do("verify")
		m.healthy()
	}

	t.Log("kill, restart, loss and rebuild")
	b.kill()
	b.writes(3, "while-down")
	b.start()
	alike(t, db, a, b)
	b.quit()
	removeFile(t, filepath.Join(b.home, "context.db"))
	b.start()
	b.eventually("the missing file to be told", func() bool { return b.status().Error != nil })
	b.do("rebuild")
	alike(t, db, a, b)
	b.do("verify")

	t.Log("sign out and in")
	c.Stop(t)
	a.writes(1, "last")
	a.eventually("a change that waits", func() bool { return a.status().Cloud.PendingUploads > 0 })
	if _, said, code := a.try("logout"); code == 0 {
		t.Errorf("signed out with changes that are here only: %s", said)
	}
	c.Start(t)
	a.do("push")
	a.do("logout")
	if st := a.status(); st.State != app.StateOff || st.Healthy || st.Cloud != nil && st.Cloud.SignedIn {
		t.Errorf("signed out: %s, healthy %v, %+v", st.State, st.Healthy, st.Cloud)
	}
	a.writes(2, "signed-out")
	a.signIn()
	a.do("push")
	alike(t, db, a, b)
	b.do("logout", "--wipe", "--yes")
	if n := shell(t, b.file(), "SELECT count(*) FROM decisions"); n != "0" {
		t.Errorf("%s rows are left of a copy that was wiped", n)
	}
	alike(t, db, a)
}

func removeFile(t *testing.T, path string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// TestCloudProofIsNotFooled: a row that was changed where nothing tells of it turns the proof red, by name, and nothing of
// either side is lost by the cure.
func TestCloudProofIsNotFooled(t *testing.T) {
	c, mira, _, db := newCloud(t)
	a := join(t, c, mira)
	a.writes(3, "a")
	b := join(t, c, mira)
	alike(t, db, a, b)
	a.do("verify")
	shell(t, a.file(), `BEGIN; UPDATE _coditect_capture SET applying = 1; UPDATE decisions SET decision = 'behind' WHERE id = 'a-d1';
		INSERT INTO decisions(id, decision) VALUES ('hidden', 'only here'); UPDATE _coditect_capture SET applying = 0; COMMIT;`)
	out, said, code := a.try("verify")
	if code != 1 || !strings.Contains(strings.ToLower(out+said), "decisions") {
		t.Fatalf("verify after a hidden change: exit %d\n%s%s", code, out, said)
	}
	a.eventually("a proof that holds again", func() bool { _, _, code := a.try("verify"); return code == 0 })
	after := alike(t, db, a, b)
	var lost []app.LostItem
	a.json(&lost, "lost", "list")
	kept := slices.ContainsFunc(lost, func(i app.LostItem) bool { return i.Row == "a-d1" && strings.Contains(string(i.Mine), "behind") })
	if !strings.Contains(after, "only here") || !kept && !strings.Contains(after, "behind") {
		t.Errorf("the cure lost something: %+v\n%s", lost, after)
	}
	if _, err := db.Exec(t.Context(), "UPDATE app.decisions SET decision = 'by hand' WHERE id = 'a-d2'"); err != nil {
		t.Fatal(err)
	}
	alike(t, db, a, b)
	a.do("verify")
}

// TestCloudMove: a standalone file with many rows moves to the cloud, proved, and back.
func TestCloudMove(t *testing.T) {
	c, mira, _, db := newCloud(t)
	m := &member{newMachine(t, "DBUS_SESSION_BUS_ADDRESS="), c, mira}
	m.do("setup", "--yes")
	shell(t, filepath.Join(m.home, "context.db"), fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO messages(role, content) SELECT 'user', 'message number ' || i FROM n;`, movedRows))
	m.start()
	m.do("start")
	m.healthy()
	if _, _, code := m.try("migrate"); code != 4 {
		t.Errorf("a move without an account: exit %d", code)
	}
	m.signIn()
	if st := m.status(); st.Mode != app.ModeStandalone {
		t.Fatalf("signing in changed the mode to %s", st.Mode)
	}
	plan := m.do("migrate", "--dry-run")
	if !strings.Contains(plan, "From Standalone to Cloud") {
		t.Errorf("plan: %s", plan)
	}
	points := len(m.points())
	m.do("migrate")
	if st := m.healthy(); st.State != app.StateCloud || st.Cloud.LastProof.Rows != movedRows {
		t.Fatalf("after the move: %s, %+v", st.State, st.Cloud.LastProof)
	}
	alike(t, db, m)
	if now := len(m.points()); now < points {
		t.Errorf("%d moments before the move, %d after it", points, now)
	}
	if _, said, code := m.try("restore", "--latest", "--yes"); code != 5 || !strings.Contains(said, "mode off") {
		t.Errorf("a whole restore in cloud mode: exit %d, %s", code, said)
	}
	m.do("migrate", "--back")
	st := m.healthy()
	if st.State != app.StateStandalone {
		t.Fatalf("after the way back: %s", st.State)
	}
	if n := shell(t, m.file(), "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '_coditect_capture%'"); n != "0" {
		t.Errorf("%s triggers still record", n)
	}
	alike(t, db, m)

	t.Log("the steps of the requirement, one by one")
	m.do("push", "--initial")
	if st := m.status(); st.Cloud == nil || st.Cloud.LastProof == nil || !st.Cloud.LastProof.Equal || len(st.Cloud.LastProof.Tables) == 0 {
		t.Fatalf("status after push --initial: %+v", st.Cloud)
	}
	m.do("stop")
	if st := m.healthy(); st.State != app.StateCloud {
		t.Errorf("stop after a proof went to %s", st.State)
	}
}
