package tray

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// systray holds one icon for the whole life of a process, so each test has its tray in a process of its own: this test
// binary again. It reads orders from its standard input and writes what was called to its standard output.

const childVariable = "TRAY_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(childMain())
	}
	os.Exit(m.Run())
}

// order tells the child what to show from now on.
type order struct {
	Status   app.Status
	Timeline *app.Timeline
	NoWindow string
}

// childService answers as ordered and says what was called.
type childService struct {
	apptest.FakeService
	mu       sync.Mutex
	order    order
	restores int
}

func (s *childService) ordered() order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order
}

func (s *childService) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Printf(format+"\n", args...)
}

func (s *childService) Flush(context.Context) (app.RestorePoint, error) {
	s.say("flush")
	return app.RestorePoint{}, nil
}

func (s *childService) Push(context.Context, app.PushRequest) (app.PushResult, error) {
	s.say("push")
	return app.PushResult{}, nil
}

func (s *childService) Prove(context.Context) (app.Proof, error) {
	s.say("prove")
	return app.Proof{Equal: true, Rows: 128_431}, nil
}

func (s *childService) restored(call string) (app.RestoreResult, error) {
	s.mu.Lock()
	s.restores++
	note := fmt.Sprintf("Restored %d times.", s.restores)
	s.mu.Unlock()
	s.say("%s", call)
	return app.RestoreResult{Note: note}, nil
}

func newChildService() *childService {
	s := &childService{}
	s.EditPrefsFunc = func(_ context.Context, e app.PrefsEdit) (app.Status, error) {
		switch {
		case e.Mode != nil:
			s.say("mode %s", *e.Mode)
		case e.PausedUntil.IsZero():
			s.say("resume")
		default:
			s.say("pause")
		}
		return app.Status{}, nil
	}
	s.PointsFunc = func(context.Context, string) (app.Timeline, error) {
		if tl := s.ordered().Timeline; tl != nil {
			return *tl, nil
		}
		return app.Timeline{}, app.Errorf(app.CodeUnreachable, "points", "Looking for the last moments…")
	}
	s.RestoreFunc = func(_ context.Context, r app.RestoreRequest) (app.RestoreResult, error) {
		return s.restored("restore " + r.Point)
	}
	s.UndoFunc = func(context.Context) (app.RestoreResult, error) { return s.restored("undo") }
	s.VerifyFunc = func(context.Context) (app.Drill, error) { s.say("verify"); return app.Drill{OK: true}, nil }
	s.DoctorFunc = func(context.Context) ([]app.Finding, error) { s.say("doctor"); return nil, nil }
	s.QuitFunc = func(context.Context) error { s.say("quit"); return nil }
	return s
}

func childMain() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := newChildService()
	orders := json.NewDecoder(os.Stdin)
	if err := orders.Decode(&s.order); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s.Publish(s.order.Status)
	reading := make(chan struct{})
	go func() { // ends with the standard input, which ends the tray too
		defer close(reading)
		defer cancel()
		for {
			var next order
			if orders.Decode(&next) != nil {
				return
			}
			s.mu.Lock()
			s.order = next
			s.mu.Unlock()
			s.Publish(next.Status)
		}
	}()
	err := Run(ctx, s.config())
	s.say("ended: %v", err)
	return 0
}

func (s *childService) config() Config {
	return Config{
		Service:    s,
		Logger:     slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OpenWindow: func(view string) error { s.say("window %s", view); return nil },
		NoWindow:   func() string { return s.ordered().NoWindow },
		ShowLogs:   func() error { s.say("logs"); return nil },
	}
}

// child is a running tray.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	orders *json.Encoder
	stdin  io.Closer
	said   chan string
	wait   func() error

	restored int // restores that a test saw
}

// startChild runs a tray that shows o, with env added to the environment; a variable set to "" counts as not set.
func startChild(t *testing.T, o order, env ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	races := filepath.Join(t.TempDir(), "race")
	own := []string{childVariable + "=1", "XDG_CURRENT_DESKTOP=XFCE", "GORACE=exitcode=0 atexit_sleep_ms=0 log_path=" + races}
	cmd.Env = append(os.Environ(), append(own, env...)...)
	cmd.Stderr = testWriter{t}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: cmd, orders: json.NewEncoder(stdin), stdin: stdin, said: make(chan string, 4096)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			c.said <- lines.Text()
		}
	}()
	c.wait = sync.OnceValue(func() error { <-read; return cmd.Wait() })
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Process.Kill(); _ = c.wait(); wantNoRaces(t, races) })
	c.show(o)
	return c
}

func (c *child) show(o order) {
	c.t.Helper()
	if err := c.orders.Encode(o); err != nil {
		c.t.Fatal(err)
	}
}

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// wants waits for the next thing the child says.
func (c *child) wants(want string) {
	c.t.Helper()
	select {
	case got := <-c.said:
		if got != want {
			c.t.Fatalf("the tray said %q, want %q", got, want)
		}
	case <-time.After(patience):
		c.t.Fatalf("the tray did not say %q", want)
	}
}

// ends closes the child's orders and waits for an orderly end.
func (c *child) ends() {
	c.t.Helper()
	if err := c.stdin.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.wants("ended: <nil>")
	if err := c.wait(); err != nil {
		c.t.Fatal(err)
	}
}

// wantNoRaces reads what the race detector found in a child. The libraries have races of their own, between their
// goroutines and on their variables; a report counts when one of the two accesses is in a line of ours.
func wantNoRaces(t *testing.T, prefix string) {
	t.Helper()
	reports, err := filepath.Glob(prefix + ".*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range reports {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, report := range strings.Split(string(text), "WARNING: DATA RACE")[1:] {
			if ours(report) {
				t.Error(report)
			}
		}
	}
}

// ours tells whether one of the accesses of a race is in this package.
func ours(report string) bool {
	lines := strings.Split(report, "\n")
	for i, l := range lines[:len(lines)-1] {
		access := strings.Contains(l, " at 0x") && strings.Contains(l, "by ")
		if access && strings.Contains(lines[i+1], "coditect-sync/app/tray") {
			return true
		}
	}
	return false
}

func TestRacesOfOurs(t *testing.T) {
	const library = "\nWrite at 0x00c0 by goroutine 1:\n  fyne.io/systray.refresh()\n      x.go:1\n  github.com/coditect-ai/coditect-sync/app/tray.(*face).hide()\n\nPrevious read at 0x00c0 by goroutine 2:\n  reflect.Value.Uint()\n"
	if ours(library) {
		t.Error("a race in a library counts as ours")
	}
	if !ours(strings.Replace(library, "reflect.Value.Uint()", "github.com/coditect-ai/coditect-sync/app/tray.(*painter).paint()", 1)) {
		t.Error("a race of ours is not seen")
	}
}

// testWriter logs what a child writes to its standard error.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

// eventually waits until problem is "", and fails with the last one.
func eventually(t *testing.T, problem func() string) {
	t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if last = problem(); last == "" {
			return
		}
	}
	t.Fatal(last)
}
