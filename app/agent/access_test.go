package agent_test

import (
	"context"
	"maps"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// accessKeys is a keychain in memory.
type accessKeys map[string]string

func (a accessKeys) Keep(key app.AccessKey) (string, func(), error) {
	was, had := a[key.ID]
	a[key.ID] = key.Secret.Reveal()
	return "It is in memory.", func() {
		delete(a, key.ID)
		if had {
			a[key.ID] = was
		}
	}, nil
}

func (a accessKeys) Forget(id string) error { delete(a, id); return nil }

// TestAccessKeysAreKeptForAsLongAsTheyAreNeeded: while a storage has one, not after a trial, and not when setup fails.
func TestAccessKeysAreKeptForAsLongAsTheyAreNeeded(t *testing.T) {
	h := newHome(t)
	kept := accessKeys{}
	h.cfg.Access = kept
	h.cfg.OpenStorage = func(_ context.Context, p app.Prefs) (agent.Storage, error) {
		if p.Access != "" && kept[p.Access] != "good" {
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
	has := func(what string, err error, code app.Code, want accessKeys) {
		t.Helper()
		if app.CodeOf(err) != code || !maps.Equal(kept, want) {
			t.Errorf("%s: %v; kept %v, want %v", what, err, kept, want)
		}
	}
	good, wrong := app.AccessKey{ID: "one", Secret: "good"}, app.AccessKey{ID: "one", Secret: "bad"}
	has("of a folder", setup(app.SetupRequest{Target: apptest.FileTarget(t.TempDir()), Access: &good}), app.CodeInvalid, accessKeys{})
	has("without its secret", setup(app.SetupRequest{Target: "s3://memory", Access: &app.AccessKey{ID: "one"}}), app.CodeInvalid, accessKeys{})
	has("and what the machine has", setup(app.SetupRequest{Target: "s3://memory", Access: &good, Ambient: true}), app.CodeInvalid, accessKeys{})
	has("wrong", setup(app.SetupRequest{Target: "s3://memory", Access: &wrong}), app.CodeDenied, accessKeys{})
	_, err := a.TryTarget(t.Context(), app.SetupRequest{Target: "s3://memory", Access: &good})
	has("a trial", err, "", accessKeys{})
	has("right", setup(app.SetupRequest{Target: "s3://memory", Access: &good}), "", accessKeys{"one": "good"})
	if s := h.await(a, "protection", func(s app.Status) bool { return s.Healthy }); s.Standalone.Access != "one" {
		t.Errorf("%+v", s.Standalone)
	}
	has("as before", setup(app.SetupRequest{Target: "s3://memory"}), "", accessKeys{"one": "good"})
	has("a wrong secret later", setup(app.SetupRequest{Target: "s3://memory", Access: &wrong}), app.CodeDenied, accessKeys{"one": "good"})
	_, err = a.TryTarget(t.Context(), app.SetupRequest{Target: "s3://memory", Access: &wrong})
	has("a trial of a wrong secret later", err, app.CodeDenied, accessKeys{"one": "good"})
	other := app.AccessKey{ID: "two", Secret: "good"}
	has("another", setup(app.SetupRequest{Target: "s3://memory", Access: &other}), "", accessKeys{"two": "good"})
	has("what the machine has", setup(app.SetupRequest{Target: "s3://memory", Ambient: true}), "", accessKeys{})
}
