//go:build window

package window_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// machine is a person's machine: a home of the program, a home of the person, a screen.
type machine struct {
	t      *testing.T
	home   string
	screen *screen
	env    []string
}

// newMachine has a context memory with rows, a folder for its copies, and no agent that runs.
func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	m := freshMachine(t, env...)
	m.do("setup", "--yes")
	m.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) " +
		"INSERT INTO decisions (decision_type, decision, rationale) SELECT 'design', 'decision ' || i, 'because' FROM n")
	return m
}

// freshMachine has never run the program. env is set beside what a graphical session has, and wins over it.
func freshMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "csw") //nolint:usetesting // the socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, home: filepath.Join(dir, "memory"), screen: newScreen(t)}
	m.env = append(m.env, "PATH="+os.Getenv("PATH"), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "DISPLAY="+m.screen.display,
		"CODITECT_HOME="+m.home, "CODITECT_LOG=debug", "NO_AT_BRIDGE=1", "LANG=en_US.UTF-8", "TZ=UTC")
	m.env = append(m.env, env...)
	t.Cleanup(func() {
		m.end()
		_ = os.RemoveAll(dir)
	})
	return m
}

func program(name string) string {
	path, err := filepath.Abs(filepath.Join("..", "..", "build", "bin", name))
	if err != nil {
		return name
	}
	return path
}

func (m *machine) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program("coditect-sync"), args...)
	cmd.Env = m.env
	return cmd
}

func (m *machine) do(args ...string) string {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %v\n%s\n%s", args, err, out, m.log())
	}
	return string(out)
}

func (m *machine) sql(statement string) {
	m.t.Helper()
	if out, err := exec.Command("sqlite3", "-cmd", ".timeout 10000", filepath.Join(m.home, "context.db"), statement).CombinedOutput(); err != nil {
		m.t.Fatalf("sqlite3: %v\n%s", err, out)
	}
}

// protected starts the agent and waits until it is proved that nothing is lost.
func (m *machine) protected() {
	m.t.Helper()
	m.do("start")
	eventually(m.t, "protection", func() bool {
		var st struct{ Healthy bool }
		return json.Unmarshal([]byte(m.do("status", "--json")), &st) == nil && st.Healthy
	})
}

// line is one of the window's log.
type line struct {
	Time time.Time
	Msg  string
	Path string
}

func (m *machine) log() string {
	text, err := os.ReadFile(filepath.Join(m.home, "logs", "window.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// since are the lines of the window's log from a moment on.
func (m *machine) since(from time.Time) (lines []line) {
	for text := range strings.Lines(m.log()) {
		var l line
		if json.Unmarshal([]byte(text), &l) == nil && !l.Time.Before(from) {
			lines = append(lines, l)
		}
	}
	return lines
}

// processes are those of this machine's window, with their names: all that have its home in their environment.
func (m *machine) processes(names ...string) (pids []string) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, dir := range dirs {
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !strings.Contains(string(environ), "CODITECT_HOME="+m.home+"\x00") {
			continue
		}
		exe, err := os.Readlink(filepath.Join(dir, "exe"))
		for _, name := range names {
			if err == nil && strings.HasPrefix(filepath.Base(exe), name) {
				pids = append(pids, filepath.Base(dir))
			}
		}
	}
	return pids
}

// web are the processes that a window consists of.
func (m *machine) web() []string { return m.processes("WebKit", "coditect-sync-window") }

// end ends whatever still runs of this machine.
func (m *machine) end() {
	_ = m.command("quit").Run()
	for _, pid := range m.processes("WebKit", "coditect-sync") {
		_ = exec.Command("kill", "-9", pid).Run()
	}
}

// open runs the verb window, which returns when the page is there.
func (m *machine) open(view string) {
	m.t.Helper()
	m.do("window", "--view", view)
}

// close does what a click on the cross does, and returns when nothing of the window is left.
func (m *machine) close() {
	m.t.Helper()
	m.screen.must(m.t, "wmctrl", "-i", "-c", m.screen.windows(m.t)[0])
	eventually(m.t, "the end of the window", func() bool { return len(m.web()) == 0 })
}
