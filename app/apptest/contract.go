package apptest

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Harness is one running app.Service that was never set up, with what the suite needs around it.
type Harness struct {
	Service app.Service
	// Dir is an existing folder for the suite's targets and restored files.
	Dir string
	// DB is the file to keep safe. It exists and has one table.
	DB string
	// Write commits so many rows to DB as another program does.
	Write func(rows int)
	// Rows counts the rows in DB, RowsOf those of a file that was restored elsewhere.
	Rows   func() int64
	RowsOf func(path string) int64
	// Done is closed when the Service has ended after Quit.
	Done <-chan struct{}
	// Patience is how long one step may take; 0 means a minute. It is not waited for: it only ends a test that hangs.
	Patience time.Duration
}

// Harness is the World's file with svc, which the test has made over the same World.
func (w *World) Harness(svc app.Service, done <-chan struct{}) Harness {
	return Harness{
		Service: svc, Dir: w.t.TempDir(), DB: w.Path, Write: w.Write, Rows: w.Rows, Done: done,
		RowsOf: func(path string) int64 { return ImageRows(w.t, path) },
	}
}

// Harness is a real SQLite file with svc.
func (d *DB) Harness(svc app.Service, done <-chan struct{}) Harness {
	return Harness{
		Service: svc, Dir: d.t.TempDir(), DB: d.Path, Write: d.Write, Rows: d.Rows, Done: done,
		RowsOf: func(path string) int64 { return OpenDB(d.t, path).Rows() },
	}
}

// FileTarget is the file:// URL of an absolute path.
func FileTarget(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/…
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}

// TestService is what every app.Service must do: the agent, a Client of it over the local API, and the Model. start is
// called once for every part and cleans up by the t it gets.
func TestService(t *testing.T, start func(t *testing.T) Harness) {
	parts := []struct {
		name string
		run  func(*suite)
	}{
		{"Status", (*suite).status}, {"Watch", (*suite).watch}, {"WatchEnds", (*suite).watchEnds},
		{"WatchMany", (*suite).watchMany}, {"NotSetUp", (*suite).notSetUp},
		{"Setup", (*suite).setup}, {"SetupRefused", (*suite).setupRefused}, {"SetupAgain", (*suite).setupAgain},
		{"Mode", (*suite).mode}, {"ModeWrong", (*suite).modeWrong}, {"Pause", (*suite).pause},
		{"Replicates", (*suite).replicates}, {"Points", (*suite).points},
		{"Plan", (*suite).plan}, {"PlanRefused", (*suite).planRefused},
		{"RestoreTo", (*suite).restoreTo}, {"RestoreLive", (*suite).restoreLive}, {"RestoreRefused", (*suite).restoreRefused},
		{"RestoreCanceled", (*suite).restoreCanceled}, {"UndoNothing", (*suite).undoNothing},
		{"Verify", (*suite).verify}, {"Machines", (*suite).machines}, {"Doctor", (*suite).doctor},
		{"Flush", (*suite).flush}, {"Preview", (*suite).preview}, {"BringsRowsBack", (*suite).bringsRowsBack}, {"TryTarget", (*suite).tryTarget},
		{"Settings", (*suite).settings}, {"Activity", (*suite).activity}, {"Diagnostics", (*suite).diagnostics},
		{"Login", (*suite).login}, {"NoAccount", (*suite).noAccount}, {"LostNothing", (*suite).lostNothing},
		{"NoProjects", (*suite).noProjects},
		{"Quit", (*suite).quit},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.run(newSuite(t, start(t))) })
	}
}

// suite is one part's harness and its ways to ask and to complain.
type suite struct {
	Harness
	t   *testing.T
	ctx context.Context
}

func newSuite(t *testing.T, h Harness) *suite {
	if h.Patience == 0 {
		h.Patience = time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*h.Patience)
	t.Cleanup(cancel)
	return &suite{Harness: h, t: t, ctx: ctx}
}

// must fails the test for an error, and returns the value.
func must[T any](v T, err error) func(*suite) T {
	return func(s *suite) T {
		s.t.Helper()
		if err != nil {
			s.t.Fatalf("unexpected error: %v", err)
		}
		return v
	}
}

func (s *suite) now() app.Status {
	s.t.Helper()
	return must(s.Service.Status(s.ctx))(s)
}

// await watches until ok holds.
func (s *suite) await(what string, ok func(app.Status) bool) app.Status {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, s.Patience)
	defer cancel()
	st := s.now()
	for !ok(st) {
		next, err := s.Service.Watch(ctx, st.Rev)
		if err != nil {
			s.t.Fatalf("waiting for %s: %v; last seen %+v", what, err, st)
		}
		s.wantNews(next, st)
		st = next
	}
	return st
}

// wantError checks that err is an *app.Error of this code with a sentence for people.
func (s *suite) wantError(err error, code app.Code) *app.Error {
	s.t.Helper()
	e, ok := errors.AsType[*app.Error](err)
	if !ok {
		s.t.Fatalf("error is %v (%T), want *app.Error with code %s", err, err, code)
	}
	if e.Code != code {
		s.t.Fatalf("code is %s (%v), want %s", e.Code, e, code)
	}
	if !strings.HasSuffix(e.Message, ".") || strings.TrimSpace(e.Message) != e.Message {
		s.t.Errorf("message is not a sentence: %q", e.Message)
	}
	return e
}

// ready sets the service up with a target of its own and waits until it stands alone.
func (s *suite) ready() app.Status {
	s.t.Helper()
	must(s.Service.Setup(s.ctx, app.SetupRequest{DB: s.DB, Target: s.target()}))(s)
	return s.await("standalone", func(st app.Status) bool { return st.State == app.StateStandalone })
}

func (s *suite) target() string { return FileTarget(filepath.Join(s.Dir, "target")) }

// mark commits rows and returns the point that is proved to hold them and all before.
func (s *suite) mark(rows int) app.RestorePoint {
	s.t.Helper()
	s.Write(rows)
	d := must(s.Service.Verify(s.ctx))(s)
	if !d.OK || d.Rows != s.Rows() {
		s.t.Fatalf("drill %+v does not hold the file's %d rows", d, s.Rows())
	}
	line := must(s.Service.Points(s.ctx, ""))(s)
	for _, p := range line.Points {
		if p.ID == d.TXID {
			return p
		}
	}
	s.t.Fatalf("the drill proved %s, which is none of the %d points", d.TXID, len(line.Points))
	return app.RestorePoint{}
}

func (s *suite) wantRows(want int64) {
	s.t.Helper()
	if got := s.Rows(); got != want {
		s.t.Fatalf("the file has %d rows, want %d", got, want)
	}
}
