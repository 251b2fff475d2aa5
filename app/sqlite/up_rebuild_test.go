package sqlite

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

func enrolledWith3(t *testing.T) *File {
	t.Helper()
	f := enrolledMemory(t, "INSERT INTO sessions (id, title, created_at, updated_at) VALUES ('s1', 'one', 'c', 'u'), ('s2', 'two', 'c', 'u'), ('s3', 'three', 'c', 'u')")
	drainQueue(t, f)
	if _, err := f.Recheck(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func sessionsDDL(name string) string {
	t, _ := schema.Tables(), 0
	for _, one := range t {
		if one.Name == schema.Sessions {
			return strings.Replace(one.DDL(), "CREATE TABLE sessions", "CREATE TABLE "+name, 1)
		}
	}
	return ""
}

// Each is what migration tools do to change a table. What they and others change until it is noticed goes up.
func TestATableThatIsRebuiltIsCapturedOn(t *testing.T) {
	const all = "SELECT id, user_id, created_at, updated_at, project_id, title, source, started_at, ended_at FROM "
	for name, statements := range map[string][]string{
		"new, copy, drop, rename": {"BEGIN", sessionsDDL("sessions_new"), "INSERT INTO sessions_new " + all + "sessions", "DROP TABLE sessions", "ALTER TABLE sessions_new RENAME TO sessions", "COMMIT"},
		"rename, new, copy, keep": {"BEGIN", "ALTER TABLE sessions RENAME TO sessions_old", sessionsDDL("sessions"), "INSERT INTO sessions " + all + "sessions_old", "COMMIT"},
		"legacy rename":           {"PRAGMA legacy_alter_table = ON", "BEGIN", sessionsDDL("sessions_new"), "INSERT INTO sessions_new " + all + "sessions", "DROP TABLE sessions", "ALTER TABLE sessions_new RENAME TO sessions", "COMMIT"},
		"more columns":            {"ALTER TABLE sessions ADD COLUMN mood TEXT DEFAULT 'fine'"},
		"column renamed and back": {"ALTER TABLE sessions RENAME COLUMN title TO heading", "ALTER TABLE sessions RENAME COLUMN heading TO title"},
	} {
		t.Run(name, func(t *testing.T) {
			f := enrolledWith3(t)
			makeDB(t, f.path, append(slices.Clone(statements), "UPDATE sessions SET title = 'changed meanwhile' WHERE id = 's2'", "INSERT INTO sessions (id, title) VALUES ('s4', 'four')")...)
			got := map[string]string{}
			for _, c := range decoded(t, next(t, f)) {
				got[c.ID] = string(member(c.Data, "title"))
			}
			if got["s2"] != `"changed meanwhile"` || got["s4"] != `"four"` {
				t.Errorf("got %v", got)
			}
			drainQueue(t, f)
			makeDB(t, f.path, "UPDATE sessions SET source = 'x' WHERE id = 's1'")
			wantLines(t, next(t, f), `patch sessions s1 {"source":"x"}`)
		})
	}
}

// A value that changed while nothing was captured is older than what is known to have been written since, and newer than
// what was captured before.
func TestTheClockOfWhatWasMissed(t *testing.T) {
	f := enrolledWith3(t)
	before := decodedClock(t, f)
	makeDB(t, f.path, "DROP TRIGGER _coditect_capture_sessions_update", "UPDATE sessions SET title = 'missed' WHERE id = 's1'")
	for _, c := range decoded(t, next(t, f)) {
		if c.HLC[:17] < before[:17] {
			t.Errorf("%s is %s, before %s", c.ID, c.HLC, before)
		}
	}
}

func decodedClock(t *testing.T, f *File) pushapi.HLC {
	t.Helper()
	makeDB(t, f.path, "UPDATE sessions SET source = 'y' WHERE id = 's3'")
	clock := decoded(t, next(t, f))[0].HLC
	drainQueue(t, f)
	return clock
}

func TestATableOfAnotherShapeIsRefusedByName(t *testing.T) {
	for want, statement := range map[string]string{
		"projects is not":        "DROP TABLE projects",
		"has no column":          "ALTER TABLE projects RENAME COLUMN path TO place",
		"primary key":            "DROP TABLE projects; CREATE TABLE projects (id TEXT, user_id TEXT, created_at TEXT, updated_at TEXT, team_id TEXT, visibility TEXT, name TEXT, path TEXT)",
		"INTEGER and not TEXT":   "DROP TABLE projects; CREATE TABLE projects (id INTEGER PRIMARY KEY)",
		"mood must have a value": "DROP TABLE projects; CREATE TABLE projects (id TEXT PRIMARY KEY, user_id TEXT, created_at TEXT, updated_at TEXT, team_id TEXT, visibility TEXT, name TEXT, path TEXT, mood TEXT NOT NULL)",
	} {
		t.Run(want, func(t *testing.T) {
			f := memory(t)
			makeDB(t, f.path, statement)
			before := string(read(t, f.path))
			err := f.Enrol(t.Context(), ours(), nil)
			wantCode(t, err, app.CodeRefused)
			if !strings.Contains(err.Error(), "projects") || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
			if string(read(t, f.path)) != before {
				t.Error("the file changed")
			}
		})
	}
}

func TestAFileOfAnotherAccountIsRefused(t *testing.T) {
	f := enrolledWith3(t)
	other := ours()
	other.User = "tom"
	wantCode(t, f.Enrol(t.Context(), other, nil), app.CodeRefused)
	if err := f.Unenrol(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCode(t, f.Enrol(t.Context(), other, nil), app.CodeRefused)
	makeDB(t, f.path, "UPDATE sessions SET title = 'signed out' WHERE id = 's1'")
	if s := capture(t, f); s.Enrolled || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	enrol(t, f)
	if s := capture(t, f); !s.Enrolled || s.Waiting != 3 {
		t.Errorf("%+v", s)
	}
}

// Copies are clients of their own, wherever they come from.
func TestACopyIsAnotherClient(t *testing.T) {
	f := enrolledWith3(t)
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('p', 'waits')")
	first := next(t, f)
	copied := filepath.Join(t.TempDir(), "context.db")
	makeDB(t, f.path, "VACUUM INTO '"+copied+"'")
	second := next(t, fileAt(t, copied))
	if first.ClientID == second.ClientID || second.Groups[0].Number != 1 || second.After != 0 {
		t.Errorf("%+v and %+v", first, second)
	}
	wantLines(t, second, lines(t, first)...)
}

// What was captured survives a restore into the file, and the image's own queue does not come back.
func TestTheQueueSurvivesARestore(t *testing.T) {
	f := enrolledWith3(t)
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('old', 'in the image')")
	image := filepath.Join(t.TempDir(), "image.db")
	makeDB(t, f.path, "VACUUM INTO '"+image+"'")
	drainQueue(t, f)
	if err := f.KeepLost(t.Context(), app.LostItem{Kind: app.LostLocal, Table: "projects", Row: "q", Op: "put", Why: "w"}); err != nil {
		t.Fatal(err)
	}
	if err := f.Unenrol(t.Context()); err != nil {
		t.Fatal(err)
	}
	enrol(t, f)
	drainQueue(t, f)
	makeDB(t, f.path, "UPDATE sessions SET title = 'waits' WHERE id = 's1'", "DELETE FROM sessions WHERE id = 's3'")
	before := next(t, f)
	during := startPython(t, f.path)
	wrote := false
	_, err := f.Replace(t.Context(), image, func() error { return nil }, func(int64, int64) {
		if !wrote {
			wrote = true
			during.send("INSERT INTO projects (id, name) VALUES ('after', 'waited for the lock')")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := during.read(during.out); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, f.path, "SELECT group_concat(title) FROM (SELECT title FROM sessions ORDER BY id)"); got != "one,two,three" {
		t.Errorf("restored %s", got)
	}
	after := next(t, f)
	if after.ClientID == before.ClientID {
		t.Error("the client id is the old one")
	}
	got := lines(t, after)
	if len(got) < 2 || !slices.Equal(got[:2], lines(t, before)) {
		t.Errorf("got %v, and before %v", got, lines(t, before))
	}
	all := strings.Join(append(got, lines(t, after)...), "\n")
	if !strings.Contains(all, "after") {
		t.Errorf("what was written right after the restore is missing: %s", all)
	}
	if s := capture(t, f); s.Lost != 1 || !s.Enrolled {
		t.Errorf("%+v", s)
	}
}

// A file that is damaged gives its queue to the image that takes its place, if it can be read.
func TestTheQueueOfADamagedFileIsSaved(t *testing.T) {
	f := enrolledWith3(t)
	image := f.path + ".image"
	makeDB(t, f.path, "VACUUM INTO '"+image+"'")
	makeDB(t, f.path, "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 200) INSERT INTO skill_learnings (id, outcome) SELECT 'k' || i, hex(randomblob(300)) FROM k",
		"UPDATE sessions SET title = 'waits' WHERE id = 's1'", "PRAGMA wal_checkpoint(TRUNCATE)")
	spoilTable(t, f.path, "skill_learnings")
	if kept, err := f.InstallImage(t.Context(), image); err != nil || kept == "" {
		t.Fatal(kept, err)
	}
	drained := lines(t, next(t, f))
	if !slices.Contains(drained, `patch sessions s1 {"title":"waits"}`) {
		t.Errorf("%d changes, without the last", len(drained))
	}
}

// spoilTable damages the root page of a table.
func spoilTable(t *testing.T, path, table string) {
	t.Helper()
	var root, size int64
	c, err := open(t.Context(), path, modeRead)
	if err != nil {
		t.Fatal(err)
	}
	err = c.one(t.Context(), "SELECT rootpage FROM sqlite_schema WHERE name = ?", []any{table}, &root)
	if err == nil {
		err = c.one(t.Context(), "PRAGMA page_size", nil, &size)
	}
	closing(t, c)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte(strings.Repeat("damage", 50)), (root-1)*size); err != nil {
		t.Fatal(err)
	}
	file.Close()
}

// Signing out and wiping removes what is here only when nothing waits, or when told so.
func TestWipe(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO messages (id, content) VALUES ('m', 'needle in the haystack')")
	wantCode(t, f.Wipe(t.Context(), false), app.CodeRefused)
	if got := ask(t, f.path, "SELECT count(*) FROM messages"); got != "1" {
		t.Error("it was removed")
	}
	drainQueue(t, f)
	if _, err := f.FillSearch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Wipe(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if left := string(read(t, f.path)); strings.Contains(left, "needle") || strings.Contains(left, "mira") {
		t.Error("its text is still in the file")
	}
	if _, err := f.FillSearch(t.Context()); err != nil {
		t.Error(err)
	}
	other := ours()
	other.User = "tom"
	if err := f.Enrol(t.Context(), other, nil); err != nil {
		t.Errorf("the file cannot be used by another account: %v", err)
	}
}
