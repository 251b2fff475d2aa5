package agent_test

import (
	"context"
	"maps"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// accessKeys is a keychain in memory: what it holds, by id.
type accessKeys struct {
	mu   sync.Mutex
	kept map[string]string
}

func (a *accessKeys) Keep(key app.AccessKey) (string, func() error, error) {
	was := a.has(key.ID)
	a.set(key.ID, key.Secret.Reveal())
	return "It is in memory.", func() error { a.set(key.ID, was); return nil }, nil
}

func (a *accessKeys) Forget(id string) error { a.set(id, ""); return nil }

func (a *accessKeys) has(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kept[id]
}

func (a *accessKeys) set(id, secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept[id] = secret; secret == "" {
		delete(a.kept, id)
	}
}

func (a *accessKeys) all() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.kept)
}

// TestAccessKeysAreKeptForAsLongAsTheyAreNeeded: while a storage has one, not after a trial, and not when setup fails.
func TestAccessKeysAreKeptForAsLongAsTheyAreNeeded(t *testing.T) {
	h := newHome(t)
	kept := &accessKeys{kept: map[string]string{}}
	h.cfg.Access = kept
	h.cfg.OpenStorage = func(_ context.Context, p app.Prefs) (agent.Storage, error) {
		if p.Access != "" && kept.has(p.Access) != "good" {
			return nil, app.Errorf(app.CodeDenied, "setup", "Your storage does not know these credentials.").WithHint("Check them.")
		}
		return &storage{h: h}, nil
	}
	a := h.start()
	setup := func(req app.SetupRequest) error {
		req.DB = h.world.Path
		_, err := a.Setup(t.Context(), req)
		return err
	}
	type keys = map[string]string
	has := func(what string, err error, code app.Code, want keys) {
		t.Helper()
		if got := kept.all(); app.CodeOf(err) != code || !maps.Equal(got, want) {
			t.Errorf("%s: %v; kept %v, want %v", what, err, got, want)
		}
	}
	good, wrong := app.AccessKey{ID: "one", Secret: "good"}, app.AccessKey{ID: "one", Secret: "bad"}
	has("of a folder", setup(app.SetupRequest{Target: apptest.FileTarget(t.TempDir()), Access: &good}), app.CodeInvalid, keys{})
	has("without its secret", setup(app.SetupRequest{Target: "s3://memory", Access: &app.AccessKey{ID: "one"}}), app.CodeInvalid, keys{})
	has("and what the machine has", setup(app.SetupRequest{Target: "s3://memory", Access: &good, Ambient: true}), app.CodeInvalid, keys{})
	has("wrong", setup(app.SetupRequest{Target: "s3://memory", Access: &wrong}), app.CodeDenied, keys{})
	_, err := a.TryTarget(t.Context(), app.SetupRequest{Target: "s3://memory", Access: &good})
	has("a trial", err, "", keys{})
	has("right", setup(app.SetupRequest{Target: "s3://memory", Access: &good}), "", keys{"one": "good"})
	if s := h.await(a, "protection", func(s app.Status) bool { return s.Healthy }); s.Standalone.Access != "one" {
		t.Errorf("%+v", s.Standalone)
	}
	has("as before", setup(app.SetupRequest{Target: "s3://memory"}), "", keys{"one": "good"})
	has("a wrong secret later", setup(app.SetupRequest{Target: "s3://memory", Access: &wrong}), app.CodeDenied, keys{"one": "good"})
	_, err = a.TryTarget(t.Context(), app.SetupRequest{Target: "s3://memory", Access: &wrong})
	has("a trial of a wrong secret later", err, app.CodeDenied, keys{"one": "good"})
	other := app.AccessKey{ID: "two", Secret: "good"}
	has("another", setup(app.SetupRequest{Target: "s3://memory", Access: &other}), "", keys{"two": "good"})
	has("what the machine has", setup(app.SetupRequest{Target: "s3://memory", Ambient: true}), "", keys{})
}
