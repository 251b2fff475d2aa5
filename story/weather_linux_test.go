package story_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestRoughWeather meets full and read-only disks at every stage. Each is one sentence with a hint, loses nothing, and
// ends by itself when the disk is well again.
func TestRoughWeather(t *testing.T) {
	withDisks(t, func(t *testing.T) {
		t.Run("the storage is full", fullStorage)
		t.Run("the storage can only be read", readOnlyStorage)
		t.Run("the disk of the file is full", fullDiskOfFile)
		t.Run("the disk of the file can only be read", readOnlyDiskOfFile)
		t.Run("the disk of the home is full", fullHome)
	})
}

func fullStorage(t *testing.T) {
	d, m, db := newDisk(t, "8m"), newMachine(t), smallMemory(t, filepath.Join(t.TempDir(), "memory.db"))
	target := fileURL(d.path("copies"))
	d.fill()
	m.wantError(app.CodeNoSpace, d.path("copies"), "setup", "--db", db, "--target", target, "--user", "mira")
	m.wantNoSetup()
	d.free()
	m.do("setup", "--db", db, "--target", target, "--user", "mira")
	d.fill()
	m.start() // the first copy finds no room
	m.wantFault(app.CodeNoSpace, d.path("copies"))
	d.free()
	m.healthy()
	d.fill()
	write(t, db, 300_000)
	m.wantFault(app.CodeNoSpace, d.path("copies"))
	m.wantError(app.CodeNoSpace, d.path("copies"), "verify")
	m.wantError(app.CodeNoSpace, d.path("copies"), "restore", "--latest", "--yes") // the state before could not be kept
	m.do("restore", "--latest", "--to", filepath.Join(t.TempDir(), "older.db"))
	write(t, db, 10)
	d.free()
	m.wantWell(db)
}

func readOnlyStorage(t *testing.T) {
	d, m, db := newDisk(t, "8m"), newMachine(t), smallMemory(t, filepath.Join(t.TempDir(), "memory.db"))
	target := fileURL(d.path("copies"))
	d.protect(m)
	m.wantError(app.CodeDenied, d.path("copies"), "setup", "--db", db, "--target", target, "--user", "mira")
	m.wantNoSetup()
	d.unprotect()
	m.protect(db, target)
	d.protect(m)
	m.do("verify") // reading is all that a proof of the newest copy needs
	write(t, db, 300_000)
	m.wantFault(app.CodeDenied, d.path("copies"))
	m.wantError(app.CodeDenied, d.path("copies"), "verify")
	m.wantError(app.CodeDenied, d.path("copies"), "restore", "--latest", "--yes")
	m.do("restore", "--latest", "--to", filepath.Join(t.TempDir(), "older.db"))
	d.unprotect()
	m.wantWell(db)
}

func fullDiskOfFile(t *testing.T) {
	d, m := newDisk(t, "8m"), newMachine(t)
	db, target := smallMemory(t, d.path("memory.db")), fileURL(filepath.Join(t.TempDir(), "copies"))
	d.fill()
	m.wantError(app.CodeNoSpace, db, "setup", "--db", db, "--target", target, "--user", "mira")
	m.wantError(app.CodeNoSpace, d.path("new.db"), "setup", "--db", d.path("new.db"), "--target", target, "--user", "mira")
	m.wantNoSetup()
	d.free()
	m.protect(db, target)
	m.frozen(func() { // what a program could still write must be copied, and there is no room for that
		write(t, db, 300_000)
		d.fill()
	})
	m.wantFault(app.CodeNoSpace, d.dir)
	m.wantError(app.CodeNoSpace, d.dir, "verify")
	m.wantError(app.CodeNoSpace, "", "restore", "--latest", "--yes")
	m.wantError(app.CodeNoSpace, "", "restore", "--latest", "--to", d.path("x.db"))
	m.do("restore", "--latest", "--to", filepath.Join(t.TempDir(), "elsewhere.db"))
	m.kill()
	m.start() // a start finds no room either
	m.wantFault(app.CodeNoSpace, d.dir)
	d.free()
	m.wantWell(db)
}

func readOnlyDiskOfFile(t *testing.T) {
	d, m := newDisk(t, "8m"), newMachine(t)
	db, target := smallMemory(t, d.path("memory.db")), fileURL(filepath.Join(t.TempDir(), "copies"))
	d.protect(m)
	m.wantError(app.CodeDenied, db, "setup", "--db", db, "--target", target, "--user", "mira")
	m.wantError(app.CodeDenied, d.path("new.db"), "setup", "--db", d.path("new.db"), "--target", target, "--user", "mira")
	m.wantNoSetup()
	d.unprotect()
	m.protect(db, target)
	m.quit()
	d.protect(m)
	m.start() // nobody can write, so nothing waits: what was proved stays so
	m.healthy()
	m.eventually("a proof", func() bool { _, _, code := m.try("verify"); return code == 0 })
	if found, exit := m.doctor("disk", "can only be read"); found.Level != app.LevelBad || found.Hint == "" || exit != 1 {
		t.Errorf("doctor: exit %d, %+v", exit, found)
	}
	m.wantError(app.CodeDenied, d.dir, "restore", "--latest", "--yes")
	m.do("restore", "--latest", "--to", filepath.Join(t.TempDir(), "elsewhere.db"))
	d.unprotect()
	write(t, db, 10)
	m.eventually("the file opened anew, for writing", func() bool { _, _, code := m.try("verify"); return code == 0 })
	m.wantWell(db)
}

func fullHome(t *testing.T) {
	d, m, db := newDisk(t, "8m"), newMachine(t), smallMemory(t, filepath.Join(t.TempDir(), "memory.db"))
	m.home = d.path("home")
	target := fileURL(filepath.Join(t.TempDir(), "copies"))
	d.fill()
	m.wantError(app.CodeNoSpace, d.dir, "setup", "--db", db, "--target", target, "--user", "mira")
	m.wantNoSetup()
	d.free()
	m.do("setup", "--db", db, "--target", target, "--user", "mira")
	d.fill()
	m.start()
	m.eventually("a copy", func() bool {
		s := m.status().Standalone
		return s != nil && s.ReplicatedTXID != "" && s.WaitingSince.IsZero()
	})
	m.wantFault(app.CodeNoSpace, m.home)
	m.wantError(app.CodeNoSpace, m.home, "verify")
	if _, errs, code := m.try("pause"); code != 1 || !strings.Contains(errs, "The disk is full: "+m.home) {
		t.Errorf("pause: exit %d, %s", code, errs)
	}
	m.do("restore", "--latest", "--to", filepath.Join(t.TempDir(), "elsewhere.db"))
	write(t, db, 10)
	d.free()
	m.wantWell(db)
	d.fill()
	write(t, db, 10)
	m.wantError(app.CodeNoSpace, m.home, "restore", "--latest", "--yes")
	m.quit()
	m.do("restore", "--latest", "--to", filepath.Join(t.TempDir(), "without.db")) // also without an agent
	d.free()
	m.start()
	m.wantWell(db)
}

// smallMemory makes a database of about 1 MB.
func smallMemory(t *testing.T, path string) string {
	t.Helper()
	shell(t, path, `CREATE TABLE notes (id INTEGER PRIMARY KEY, body);
		WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 1000)
		INSERT INTO notes SELECT i, hex(randomblob(500)) FROM k;`)
	return path
}

// write adds one row with a text of 2n digits.
func write(t *testing.T, db string, n int) {
	t.Helper()
	shell(t, db, "INSERT INTO notes (body) VALUES (hex(randomblob("+strconv.Itoa(n)+")))")
}

// protect sets up and waits for the first proof.
func (m *machine) protect(db, target string) {
	m.t.Helper()
	m.do("setup", "--db", db, "--target", target, "--user", "mira")
	m.start()
	m.healthy()
}

// frozen stops the agent as a busy machine might, for as long as f takes.
func (m *machine) frozen(f func()) {
	m.t.Helper()
	if err := m.proc.Process.Signal(syscall.SIGSTOP); err != nil {
		m.t.Fatal(err)
	}
	f()
	if err := m.proc.Process.Signal(syscall.SIGCONT); err != nil {
		m.t.Fatal(err)
	}
}

// wantError runs a verb that must fail with a code, its exit status, one sentence about a place, and a hint.
func (m *machine) wantError(code app.Code, about string, args ...string) {
	m.t.Helper()
	out, errs, exit := m.try(append(args, "--json")...)
	var answer struct{ Error *app.Error }
	if err := json.Unmarshal([]byte(out), &answer); err != nil || answer.Error == nil {
		m.t.Errorf("%v: exit %d without an error\n%s%s", args, exit, out, errs)
		return
	}
	m.sound(answer.Error, code, about)
	if exit != code.ExitStatus() || !strings.Contains(errs, answer.Error.Message+"\n"+answer.Error.Hint) {
		m.t.Errorf("%v: exit %d, %q", args, exit, errs)
	}
}

func (m *machine) sound(e *app.Error, code app.Code, about string) {
	m.t.Helper()
	one := strings.HasSuffix(e.Message, ".") && !strings.Contains(e.Message, "\n") && !strings.Contains(e.Message, "-litestream")
	if e.Code != code || !one || !strings.Contains(e.Message+e.Hint, about) || e.Hint == "" {
		m.t.Errorf("got %s %q, hint %q; want %s, one sentence about %s", e.Code, e.Message, e.Hint, code, about)
	}
}

// wantFault waits until the agent says what is wrong, and is not green.
func (m *machine) wantFault(code app.Code, about string) {
	m.t.Helper()
	m.eventually("the fault in the status", func() bool { return m.status().Error != nil })
	s := m.status()
	if s.Healthy || s.Error == nil {
		m.t.Errorf("%+v", s)
		return
	}
	m.sound(s.Error, code, about)
}

// wantNoSetup makes sure that what failed saved nothing.
func (m *machine) wantNoSetup() {
	m.t.Helper()
	if b, err := os.ReadFile(filepath.Join(m.home, "prefs.json")); err == nil && len(b) > 0 {
		m.t.Errorf("a setup that failed saved %s", b)
	}
}

// wantWell waits for green, has it proved again, and holds a restored file against the live one, row by row.
func (m *machine) wantWell(db string) {
	m.t.Helper()
	m.eventually("green by itself, with everything copied", func() bool {
		s := m.status()
		return s.Healthy && s.Error == nil && s.Standalone.WaitingSince.IsZero() && s.Standalone.LastDrill.OK
	})
	m.do("verify")
	restored := filepath.Join(m.t.TempDir(), "restored.db")
	m.do("restore", "--latest", "--to", restored)
	const differing = "SELECT count(*) FROM (SELECT * FROM %a.notes EXCEPT SELECT * FROM %b.notes);"
	got := shell(m.t, db, "ATTACH '"+restored+"' AS restored;"+strings.NewReplacer("%a", "main", "%b", "restored").Replace(differing)+
		strings.NewReplacer("%a", "restored", "%b", "main").Replace(differing))
	if got != "0\n0" {
		m.t.Errorf("rows of the live and the restored file that the other has not: %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(m.home, "tmp", "*")); len(left) > 0 {
		m.t.Errorf("left behind: %v", left)
	}
}
