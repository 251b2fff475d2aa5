package story_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// program is the binary under test, built once from this tree.
var program string

// builtAlready is the environment variable that names it to a test that this test started.
const builtAlready = "STORY_PROGRAM"

func TestMain(m *testing.M) {
	if program = os.Getenv(builtAlready); program != "" {
		os.Exit(cloudtest.Run(m))
	}
	dir, err := os.MkdirTemp("", "story")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "coditect-sync")
	if out, err := exec.Command("go", "build", "-o", program, "..").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := cloudtest.Run(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// machine is one installation with its home directory.
type machine struct {
	t    *testing.T
	home string
	env  []string
	proc *exec.Cmd
}

func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	m := &machine{t: t, home: filepath.Join(t.TempDir(), "home"), env: env}
	t.Cleanup(m.kill)
	return m
}

func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, program, append([]string{"--home", m.home}, args...)...)
	c.Env = append(os.Environ(), "NO_COLOR=1")
	c.Env = append(c.Env, m.env...)
	return c
}

// try runs a verb and returns what it printed and its exit status.
func (m *machine) try(args ...string) (stdout, stderr string, code int) {
	m.t.Helper()
	c := m.command(m.t.Context(), args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("%v: %v", args, err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// do is try for a verb that must succeed.
func (m *machine) do(args ...string) string {
	m.t.Helper()
	out, errs, code := m.try(args...)
	if code != 0 {
		m.t.Fatalf("%v: exit %d\n%s%s\nlog:\n%s", args, code, out, errs, m.log())
	}
	return out
}

func (m *machine) json(v any, args ...string) {
	m.t.Helper()
	if err := json.Unmarshal([]byte(m.do(append(args, "--json")...)), v); err != nil {
		m.t.Fatalf("%v: %v", args, err)
	}
}

// start runs the agent as a child of the test and waits until it answers.
func (m *machine) start() {
	m.t.Helper()
	m.proc = m.command(context.Background(), "agent", "--headless")
	m.proc.Stdout, m.proc.Stderr = io.Discard, io.Discard
	if err := m.proc.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.eventually("an answering agent", func() bool { _, _, code := m.try("status"); return code == 0 })
}

// kill ends the agent without a chance to do anything.
func (m *machine) kill() {
	if m.proc != nil {
		_ = m.proc.Process.Kill()
		_ = m.proc.Wait()
		m.proc = nil
	}
}

// quit ends the agent properly.
func (m *machine) quit() {
	m.t.Helper()
	m.do("quit")
	_ = m.proc.Wait()
	m.proc = nil
}

func (m *machine) status() (s app.Status) {
	m.t.Helper()
	m.json(&s, "status")
	return s
}

// eventually waits for a condition; two minutes only end a test that hangs.
func (m *machine) eventually(what string, ok func() bool) {
	m.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			m.t.Fatalf("gave up waiting for %s\nlog:\n%s", what, m.log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (m *machine) healthy() app.Status {
	m.t.Helper()
	var s app.Status
	m.eventually("protection that is proved", func() bool { s = m.status(); return s.Healthy })
	return s
}

// log is the end of the agent's log.
func (m *machine) log() string {
	b, _ := os.ReadFile(filepath.Join(m.home, "logs", "agent.log"))
	return string(b[max(0, len(b)-4000):])
}

func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// ledger runs testdata/ledger.py.
func ledger(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "python3", append([]string{"testdata/ledger.py"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ledger.py %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// memory is a database that other programs made, and a second copy of it as the reference.
func memory(t *testing.T) (path, reference string) {
	t.Helper()
	return largeMemory(t, 0)
}

// largeMemory is memory with so many rows more.
func largeMemory(t *testing.T, rows int) (path, reference string) {
	t.Helper()
	const shipped = "/usr/share/proj/proj.db" // Debian's proj-data: 36 tables, 8 MB
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatalf("the story needs Debian's package proj-data (make test installs it): %v", err)
	}
	dir := t.TempDir()
	path, reference = filepath.Join(dir, "memory.db"), filepath.Join(dir, "reference.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ledger(t, "init", path)
	if rows > 0 {
		ledger(t, "grow", path, fmt.Sprint(rows))
	}
	shell(t, path, fmt.Sprintf(".backup '%s'", reference))
	return path, reference
}

// shell runs Debian's sqlite3 on a file.
func shell(t *testing.T, path, sql string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sqlite3", "-cmd", ".timeout 60000", path)
	c.Stdin = strings.NewReader(sql + "\n")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// writers keeps other programs at work until stop: Python's sqlite3, which keeps a journal of what it committed when,
// the sqlite3 shell, and one that checkpoints in every mode.
type writers struct {
	t       *testing.T
	journal string
	stops   []func()
}

func startWriters(t *testing.T, path string) *writers {
	t.Helper()
	w := &writers{t: t, journal: filepath.Join(t.TempDir(), "journal")}
	w.python("write", path, "1", w.journal)
	w.python("checkpoint", path, "2")
	w.shell(path)
	t.Cleanup(w.stop)
	return w
}

func (w *writers) python(args ...string) {
	c := exec.Command("python3", append([]string{"testdata/ledger.py"}, args...)...)
	var errs bytes.Buffer
	c.Stderr = &errs
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.stops = append(w.stops, func() {
		_ = in.Close()
		if err := c.Wait(); err != nil {
			w.t.Errorf("Python %v: %v\n%s", args, err, errs.String())
		}
	})
}

// shell writes through one long-lived sqlite3 process, a transaction every 50 ms.
func (w *writers) shell(path string) {
	c := exec.Command("sqlite3", "-bail", "-cmd", ".timeout 60000", path)
	var errs bytes.Buffer
	c.Stderr = &errs
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	done, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			sql := fmt.Sprintf("INSERT INTO notes VALUES (%d, 'shell %d', %d.5, NULL)", 100_000+n, n, n)
			statements, _ := json.Marshal([]string{sql})
			_, _ = fmt.Fprintf(in, "BEGIN IMMEDIATE;%s;INSERT INTO ledger(who,at,statements) VALUES('shell',(julianday('now')-2440587.5)*86400,'%s');COMMIT;\n",
				sql, strings.ReplaceAll(string(statements), "'", "''"))
		}
	}()
	w.stops = append(w.stops, func() {
		close(stop)
		<-done
		_ = in.Close()
		if err := c.Wait(); err != nil {
			w.t.Errorf("the sqlite3 shell as a writer: %v\n%s", err, errs.String())
		}
	})
}

// stop ends the writers and waits for them; it may be called twice.
func (w *writers) stop() {
	for _, s := range w.stops {
		s()
	}
	w.stops = nil
}
