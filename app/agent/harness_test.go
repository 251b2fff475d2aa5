package agent_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/config"
)

const machineID = "0198f000-0000-7000-8000-000000000001"

// home is one agent over fakes: a home directory, a World, and what a test may change before it starts.
type home struct {
	t      *testing.T
	world  *apptest.World
	keeper *apptest.FakeKeeper
	file   *apptest.FakeFile
	cfg    agent.Config
	// primary is who writes the lineage at the target.
	primary app.Primary
	// samePlace is what one storage says of another.
	samePlace bool
	replica   func() app.Replica               // of the target, where a test brings its own
	spec      atomic.Pointer[agent.KeeperSpec] // what the last engine was given
}

func newHome(t *testing.T) *home {
	t.Helper()
	dir := t.TempDir()
	h := &home{t: t, world: apptest.NewWorld(t, t.TempDir(), machineID)}
	h.file, h.keeper = h.world.File(), h.world.Keeper()
	layout := config.NewLayout(dir)
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	h.cfg = agent.Config{
		Version: "test", SQLiteVersion: "3.53.0", Layout: layout, Host: "testhost",
		Machine:     config.Machine{ID: machineID, Lineage: "lineage"},
		OpenFile:    func(string) (agent.File, error) { return h.file, nil },
		OpenStorage: func(_ context.Context, p app.Prefs) (agent.Storage, error) { return h.storage(p) },
		Logger:      slog.New(slog.DiscardHandler), Saving: func() bool { return false },
		Retention: func(_ string, r app.Retention) []string { return r.Promises(time.Second) },
	}
	return h
}

// start runs the agent until the test ends.
func (h *home) start() *agent.Agent {
	h.t.Helper()
	a, err := agent.New(h.cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	})
	return a
}

// storage is a fake target: a folder that must exist or have a parent, over the World's keeper and replica.
func (h *home) storage(p app.Prefs) (agent.Storage, error) {
	dir, ok := strings.CutPrefix(p.Target, "file://")
	if !ok {
		return nil, app.Errorf(app.CodeInvalid, "setup", "There is no such kind of storage: %s.", p.Target)
	}
	if _, err := os.Stat(filepath.Dir(dir)); errors.Is(err, os.ErrNotExist) {
		return nil, app.Errorf(app.CodeNotFound, "setup", "The folder %s is not there.", dir).WithHint("Make it.")
	}
	return &storage{h: h}, nil
}

type storage struct{ h *home }

func (s *storage) Probe(context.Context) ([]app.TrialStep, error) {
	return []app.TrialStep{{Text: "Wrote and read back.", Took: time.Millisecond}}, nil
}
func (s *storage) Create(context.Context) error { return nil }
func (s *storage) EnsureUser(_ context.Context, wish string) (string, []string, error) {
	if wish == "" {
		wish = "fake-user"
	}
	return wish, nil, nil
}
func (s *storage) SettleEncryption(context.Context, string, bool) (string, error) { return "", nil }
func (s *storage) SameDisk(string) (bool, error)                                  { return true, nil }
func (s *storage) SamePlace(context.Context, agent.Storage) (bool, error) {
	return s.h.samePlace, nil
}
func (s *storage) Primary(context.Context, string, string) (app.Primary, error) {
	return s.h.primary, nil
}
func (s *storage) TakeOver(_ context.Context, _, _, machine, host string) error {
	s.h.primary = app.Primary{Machine: machine, Host: host, Since: time.Now()}
	return nil
}
func (s *storage) Replica(string, string, app.RestorePoint) app.Replica {
	if s.h.replica != nil {
		return s.h.replica()
	}
	return s.h.world.Replica()
}
func (s *storage) Keeper(spec agent.KeeperSpec) app.Keeper {
	s.h.spec.Store(&spec)
	return s.h.keeper
}
func (s *storage) Close() error { return nil }
func (h *home) setup(a *agent.Agent) {
	h.t.Helper()
	_, err := a.Setup(h.t.Context(), app.SetupRequest{DB: h.world.Path, Target: apptest.FileTarget(h.t.TempDir())})
	if err != nil {
		h.t.Fatal(err)
	}
}

// await watches until ok holds.
func (h *home) await(a *agent.Agent, what string, ok func(app.Status) bool) app.Status {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	defer cancel()
	s, err := a.Status(ctx)
	for err == nil && !ok(s) {
		s, err = a.Watch(ctx, s.Rev)
	}
	if err != nil {
		h.t.Fatalf("waiting for %s: %v; status %+v", what, err, s)
	}
	return s
}

// protected waits for health, and then proves that everything written so far is at the target.
func (h *home) protected(a *agent.Agent) app.Status {
	h.t.Helper()
	h.await(a, "protection", func(s app.Status) bool { return s.Healthy })
	d, err := a.Verify(h.t.Context())
	if err != nil || !d.OK {
		h.t.Fatalf("Verify = %+v, %v", d, err)
	}
	return h.await(a, "the proof in the status", func(s app.Status) bool {
		return s.Healthy && s.Standalone.LastDrill.TXID == d.TXID && s.Standalone.ReplicatedTXID == d.TXID
	})
}
