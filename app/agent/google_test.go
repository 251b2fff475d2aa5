package agent_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// googling is a home whose program can sign in to Google; its buckets are folders.
type googling struct {
	*home
	a      *agent.Agent
	dir    string
	opened []app.Prefs // as storages were opened

	mu     sync.Mutex
	asked  []app.GoogleLogin
	end    func(account string, err error) // of the attempt under way
	forgot []string
}

func newGoogling(t *testing.T) *googling {
	g := &googling{home: newHome(t), dir: t.TempDir()}
	g.cfg.Google = g
	g.cfg.OpenStorage = func(_ context.Context, p app.Prefs) (agent.Storage, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.opened = append(g.opened, p)
		return &storage{h: g.home}, nil
	}
	g.a = g.start()
	return g
}

func (g *googling) Begin(_ context.Context, req app.GoogleLogin) (agent.GoogleAttempt, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, req)
	done, who := make(chan struct{}), ""
	var why error
	var once sync.Once
	end := func(account string, err error) { once.Do(func() { who, why = account, err; close(done) }) }
	g.end = end
	cancel := func() { end("", app.Errorf(app.CodeCanceled, "google", "Canceled.")) }
	a := agent.Attempt{URL: "http://127.0.0.1:1/sign-in/x", Until: time.Now().Add(time.Minute), Done: done, Err: func() error { return why }, Cancel: cancel}
	return agent.GoogleAttempt{Attempt: a, Who: func() (string, string) { return who, "It is kept in a file." }}, nil
}

func (g *googling) Forget(_ context.Context, account string) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgot = append(g.forgot, account)
	return "", nil
}

func (g *googling) firstOpened() app.Prefs {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened[0]
}

func (g *googling) signIn(account string, err error) app.Login {
	g.t.Helper()
	l, beginErr := g.a.BeginLogin(g.t.Context(), app.LoginRequest{Google: &app.GoogleLogin{Client: "/client.json"}})
	if beginErr != nil || l.State != app.LoginWaiting || l.URL == "" || l.Until.IsZero() {
		g.t.Fatalf("%+v, %v", l, beginErr)
	}
	g.end(account, err)
	if err != nil {
		return awaitLogin(g.t, g.a, app.LoginFailed)
	}
	return awaitLogin(g.t, g.a, app.LoginDone)
}

func (g *googling) sets(req app.SetupRequest) (app.SetupResult, error) {
	req.DB = g.world.Path
	return g.a.Setup(g.t.Context(), req)
}

func (g *googling) has(t *testing.T, want ...app.Place) {
	t.Helper()
	s := g.await(g.a, "the storages", func(s app.Status) bool { return s.Standalone != nil })
	var got []app.Place
	for _, one := range s.Standalone.Targets {
		got = append(got, app.Place{Target: one.Target, Google: one.Google})
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

const (
	mira = "mira@lumen.works"
	jo   = "jo@lumen.works"
)

func TestSigningInToGoogleForAStorage(t *testing.T) {
	g := newGoogling(t)
	l := g.signIn("", app.Errorf(app.CodeDenied, "google", "You chose not to sign in."))
	if l.Error == nil || l.Error.Code != app.CodeDenied {
		t.Errorf("%+v", l)
	}
	if l = g.signIn(mira, nil); l.User != mira || l.Error != nil || len(l.Notes) != 1 || l.Move {
		t.Errorf("%+v", l)
	}
	if s, err := g.a.Status(t.Context()); err != nil || s.State != app.StateNew || s.Mode != app.ModeUnset {
		t.Errorf("a sign-in to Google changed the mode: %+v, %v", s, err)
	}
	disk := apptest.FileTarget(filepath.Join(g.dir, "disk"))
	if _, err := g.sets(app.SetupRequest{Target: "gs://memory/a", More: []string{disk}, Google: mira}); err != nil {
		t.Fatal(err)
	}
	g.has(t, app.Place{Target: "gs://memory/a", Google: mira}, app.Place{Target: disk})
	if p := g.firstOpened(); p.Google != mira || p.Target != "gs://memory/a" {
		t.Errorf("opened with %+v", p)
	}
	// The same again, without saying how: as before. Another one with the same account; without the first one it is still used.
	if _, err := g.sets(app.SetupRequest{Target: "gs://memory/a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.sets(app.SetupRequest{Target: "gs://memory/b", Add: true, Google: mira}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.sets(app.SetupRequest{Target: "gs://memory/a", Remove: true}); err != nil {
		t.Fatal(err)
	}
	g.has(t, app.Place{Target: "gs://memory/b", Google: mira})
	if len(g.forgot) != 0 {
		t.Errorf("forgotten while it was used: %v", g.forgot)
	}
	// Another person, a key file, what the machine has: the former sign-in ends.
	for _, step := range []struct {
		req    app.SetupRequest
		forgot []string
	}{
		{app.SetupRequest{Google: jo}, []string{mira}},
		{app.SetupRequest{Credentials: "/key.json"}, []string{mira, jo}},
		{app.SetupRequest{Google: mira}, []string{mira, jo}},
		{app.SetupRequest{Ambient: true}, []string{mira, jo, mira}},
	} {
		if _, err := g.sets(step.req); err != nil {
			t.Fatal(err)
		}
		g.has(t, app.Place{Target: "gs://memory/b", Google: step.req.Google})
		if !slices.Equal(g.forgot, step.forgot) {
			t.Errorf("%+v: forgotten %v, want %v", step.req, g.forgot, step.forgot)
		}
	}
}

func TestSigningInToGoogleGoesOnWhatWaited(t *testing.T) {
	g := newGoogling(t)
	if _, err := g.sets(app.SetupRequest{Target: "gs://memory/a", Google: mira}); err != nil {
		t.Fatal(err)
	}
	g.await(g.a, "protection", func(s app.Status) bool { return s.Healthy })
	was := g.spec.Load()
	g.signIn(jo, nil)
	if g.spec.Load() != was {
		t.Error("somebody else's sign-in began the copying anew")
	}
	g.signIn(mira, nil)
	g.await(g.a, "another engine", func(app.Status) bool { return g.spec.Load() != was })
	g.await(g.a, "protection", func(s app.Status) bool { return s.Healthy })
}

func TestWaysInThatCannotBe(t *testing.T) {
	g := newGoogling(t)
	disk := apptest.FileTarget(filepath.Join(g.dir, "disk"))
	for says, req := range map[string]app.SetupRequest{
		"begin with gs://": {Target: disk, Google: mira},
		"A key file":       {Target: disk, Credentials: "/key.json"},
		"in two ways":      {Target: "gs://memory/a", Google: mira, Credentials: "/key.json"},
		"said in two":      {Target: "gs://memory/a", Google: mira, Ambient: true},
	} {
		if _, err := g.sets(req); app.CodeOf(err) != app.CodeInvalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", req, err)
		}
	}
	h := newHome(t)
	if _, err := h.start().BeginLogin(t.Context(), app.LoginRequest{Google: &app.GoogleLogin{}}); app.CodeOf(err) != app.CodeRefused {
		t.Error(err)
	}
}
