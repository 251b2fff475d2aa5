package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

var update = flag.Bool("update", false, "write the golden files")

// berlin is where all tests are: a zone whose clocks are set back and forward.
var berlin = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// now is a Friday afternoon.
var now = time.Date(2026, 11, 20, 14, 2, 51, 0, berlin)

// terminal says what the streams of a call are.
type terminal struct {
	width int    // 0: no terminal
	color bool   // of it
	typed string // what a person types; without it stdin is no terminal
	env   map[string]string
	// own makes the session one of this process, as when no agent runs.
	own bool
}

// called is what became of a call.
type called struct {
	out, err string
	status   int
}

// call runs the command line against a service.
func call(t *testing.T, svc app.Service, term terminal, args ...string) called {
	t.Helper()
	return callCtx(t, t.Context(), svc, term, args...)
}

func callCtx(t *testing.T, ctx context.Context, svc app.Service, term terminal, args ...string) called {
	t.Helper()
	var out, errs bytes.Buffer
	p := newProgram("v-test", strings.NewReader(term.typed), &out, &errs)
	p.inTTY = term.typed != ""
	p.now = func() time.Time { return now }
	p.getenv = func(name string) string { return term.env[name] }
	for _, s := range []*screen{p.out, p.err} {
		s.tty, s.color = term.width > 0, term.color
		s.width = func() int { return term.width }
	}
	p.homeFlag = t.TempDir()
	p.connect = func(_ context.Context, how reach) (*session, error) {
		if svc == nil || term.own && how == running {
			return nil, app.Errorf(app.CodeNotRunning, "connect", "CODITECT Sync is not running, so nothing is protected.").
				WithHint("Start it with `coditect-sync start`.")
		}
		return &session{Service: svc, own: term.own}, nil
	}
	status := p.run(ctx, args)
	return called{out.String(), errs.String(), status}
}

// golden compares text with testdata/golden/name.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs.\ngot:\n%s\nwant:\n%s", name, text, want)
	}
}

// protected is a healthy status.
func protected() app.Status {
	return app.Status{
		Version: "v-test", MachineID: "0192-machine", Machine: "thinkpad", Mode: app.ModeStandalone, State: app.StateStandalone,
		Healthy: true, Summary: "You are protected. You can go back to any moment up to 14:02:51.",
		DB: app.DBStatus{Path: "/home/mira/context.db", Bytes: 412e6, SQLiteVersion: "3.51.3"},
		Standalone: &app.StandaloneStatus{
			Healthy: true, Target: "gs://mira-memory/work", TXID: "00000000000a1f", ReplicatedTXID: "00000000000a1f",
			LastReplicatedAt: now, LastDrill: &app.Drill{At: now.Add(-3 * time.Hour), OK: true, Rows: 128431, TXID: "0000000000000a00"},
			NextDrillAt: now.Add(6 * 24 * time.Hour),
		},
	}
}

// serving is a fake agent with a status.
func serving(st app.Status) *apptest.FakeService {
	f := &apptest.FakeService{}
	f.Publish(st)
	return f
}

func point(id string, at time.Time, size int64, kind app.PointKind) app.RestorePoint {
	return app.RestorePoint{ID: id, Time: at, Size: size, Kind: kind}
}

// contains fails unless text has every part.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}
