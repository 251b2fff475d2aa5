package story_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestDoctorNamesOldWriters has other programs hold the file open with the SQLite that their system ships: before 3.51.3
// it can damage the file.
func TestDoctorNamesOldWriters(t *testing.T) {
	const python = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM notes').fetchall(); " +
		"print(sqlite3.sqlite_version, flush=True); sys.stdin.read()"
	db, m := smallMemory(t, filepath.Join(t.TempDir(), "memory.db")), newMachine(t)
	m.protect(db, fileURL(filepath.Join(t.TempDir(), "copies")))
	m.namesWriter("python", exec.Command("python3", "-c", python, db), "")
	m.namesWriter("sqlite3", exec.Command("sqlite3", db), "SELECT sqlite_version() FROM notes LIMIT 1;\n")
	m.quit()
	m.namesWriter("python", exec.Command("python3", "-c", python, db), "") // also without an agent
}

// namesWriter starts a program that says the version of its SQLite once it has the file open.
func (m *machine) namesWriter(name string, c *exec.Cmd, question string) {
	m.t.Helper()
	in, err := c.StdinPipe()
	m.must(err)
	out, err := c.StdoutPipe()
	m.must(err)
	m.must(c.Start())
	_, err = io.WriteString(in, question)
	m.must(err)
	version, err := bufio.NewReader(out).ReadString('\n')
	m.must(err)
	version = strings.TrimSpace(version)

	process := fmt.Sprintf("(process %d)", c.Process.Pid)
	found, exit := m.doctor("writers", process)
	if !strings.HasPrefix(found.Detail, name) || !strings.Contains(found.Detail, "SQLite "+version) {
		m.t.Errorf("%q does not name %s and its SQLite %s", found.Detail, name, version)
	}
	safe := !olderThan(version, 3, 51, 3)
	if safe != (found.Level == app.LevelOK) || safe != (found.Hint == "") || safe != (exit == 0) {
		m.t.Errorf("SQLite %s: exit %d, %+v", version, exit, found)
	}
	m.must(in.Close())
	m.must(c.Wait())
	if found, exit := m.doctor("writers", process); found.Check != "" || exit != 0 {
		m.t.Errorf("after it has ended: exit %d, %+v", exit, found)
	}
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// doctor finds what the doctor says of something.
func (m *machine) doctor(check, about string) (found app.Finding, exit int) {
	m.t.Helper()
	out, errs, exit := m.try("doctor", "--json")
	var answer struct{ Findings []app.Finding }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		m.t.Fatalf("exit %d, %v: %s%s", exit, err, out, errs)
	}
	for _, f := range answer.Findings {
		if f.Check == check && strings.Contains(f.Detail, about) {
			return f, exit
		}
	}
	return app.Finding{}, exit
}

// olderThan tells whether a version came before another one.
func olderThan(version string, major, minor, patch int) bool {
	var a, b, c int
	_, _ = fmt.Sscanf(version, "%d.%d.%d", &a, &b, &c)
	return a*1_000_000+b*1000+c < major*1_000_000+minor*1000+patch
}
