package agent_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// parting is a storage whose engine has something to say when it is told to stop: that all is well.
type parting struct {
	storage
	known chan app.StandaloneStatus // what each engine was told when it was made
}

func (p *parting) Keeper(spec agent.KeeperSpec) app.Keeper {
	p.known <- spec.Known
	return &partingKeeper{FakeKeeper: p.h.keeper}
}

type partingKeeper struct {
	*apptest.FakeKeeper
	once sync.Once
}

func (k *partingKeeper) Run(ctx context.Context, report func(app.Report)) error {
	well := app.StandaloneStatus{
		TXID: "0000000000000007", ReplicatedTXID: "0000000000000007", LastReplicatedAt: time.Now(),
		LastDrill: &app.Drill{At: time.Now(), OK: true, TXID: "0000000000000007"},
	}
	k.once.Do(func() { report(app.Report{Standalone: &well}) })
	<-ctx.Done()
	report(app.Report{Standalone: &well})
	return app.Errorf(app.CodeDenied, "replicate", "The last flush failed.")
}

func TestLastWordsOfAnEngineSayNothingOfTheNextTarget(t *testing.T) {
	h := newHome(t)
	p := &parting{storage: storage{h: h}, known: make(chan app.StandaloneStatus, 10)}
	h.cfg.OpenStorage = func(context.Context, app.Prefs) (agent.Storage, error) { return p, nil }
	a := h.start()
	h.setup(a)
	<-p.known
	h.await(a, "protection", func(s app.Status) bool { return s.Healthy })
	h.setup(a) // another folder
	if k := <-p.known; k.ReplicatedTXID != "" || k.LastDrill != nil {
		t.Errorf("the engine of the new target was told of the old one's: %+v", k)
	}
	s, err := a.Status(t.Context())
	if err != nil || s.Error != nil {
		t.Errorf("the old engine's end is shown as the new one's: %+v, %v", s.Error, err)
	}
}

func TestHomeOnAnotherComputerKnowsNothingOfItsOwnFolderYet(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(2)
	h.protected(a)
	if err := a.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := &parting{storage: storage{h: h}, known: make(chan app.StandaloneStatus, 10)}
	h.cfg.OpenStorage = func(context.Context, app.Prefs) (agent.Storage, error) { return p, nil }
	h.cfg.Machine.ID = "0198f000-0000-7000-8000-000000000002"
	h.start()
	if k := <-p.known; k.ReplicatedTXID != "" || k.LastDrill != nil {
		t.Errorf("known of a folder that is not there yet: %+v", k)
	}
	yml, err := os.ReadFile(h.cfg.Layout.LitestreamYML)
	if err != nil || !strings.Contains(string(yml), h.cfg.Machine.ID) {
		t.Errorf("litestream.yml still has the other machine's folder: %v\n%s", err, yml)
	}
}

func TestTargetThatIsLostIsNotGreenForLong(t *testing.T) {
	h := newHome(t)
	var ahead atomic.Int64
	h.cfg.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a := h.start()
	h.setup(a)
	h.world.Write(2)
	h.protected(a)
	h.keeper.Tell(&app.Progress{Phase: app.PhaseOffline, Since: time.Now(), Cause: "The copies are not there any more."})
	h.await(a, "the loss", func(s app.Status) bool { return s.Progress != nil && s.Progress.Phase == app.PhaseOffline && s.Healthy })
	ahead.Store(int64(2 * time.Minute))
	h.keeper.Tell(&app.Progress{Phase: app.PhaseOffline, Since: time.Now(), Cause: "The copies are still not there."})
	h.await(a, "the truth", func(s app.Status) bool { return !s.Healthy })
}

func TestPathThatWouldMeanAnotherFileIsRefused(t *testing.T) {
	h := newHome(t)
	a := h.start()
	for _, name := range []string{"a%20b.db", "a?mode=memory", "a#b.db"} {
		req := app.SetupRequest{DB: filepath.Join(t.TempDir(), name), Target: apptest.FileTarget(t.TempDir())}
		if _, err := a.Setup(t.Context(), req); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLinkToAFileIsFollowed(t *testing.T) {
	h := newHome(t)
	a := h.start()
	if err := os.WriteFile(h.world.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.EvalSymlinks(h.world.Path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	res, err := a.Setup(t.Context(), app.SetupRequest{DB: link, Target: apptest.FileTarget(t.TempDir())})
	if err != nil || res.DB != file {
		t.Errorf("kept safe: %s, %v; want %s", res.DB, err, file)
	}
}
