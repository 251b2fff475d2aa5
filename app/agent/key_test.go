package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// safe is a keychain in memory; a key is its id with "key " before it.
type safe struct{ kept []string }

func (s *safe) New() (app.RecoveryKey, error) { return app.RecoveryKey{ID: "new", Key: "key new"}, nil }

func (s *safe) ID(key app.Secret) (string, error) {
	id, ok := strings.CutPrefix(key.Reveal(), "key ")
	if !ok {
		return "", app.Errorf(app.CodeInvalid, "key", "This is not a recovery key.").WithHint("Look again.")
	}
	return id, nil
}

func (s *safe) Keep(key app.Secret) (string, error) {
	id, err := s.ID(key)
	s.kept = append(s.kept, id)
	return "It is in memory.", err
}

func (s *safe) Forget(id string) error {
	s.kept = slices.DeleteFunc(s.kept, func(is string) bool { return is == id })
	return nil
}

// TestSetupKeepsTheKeyItNeeds: that of encrypted copies, for as long as they are set up, and none when setup fails.
func TestSetupKeepsTheKeyItNeeds(t *testing.T) {
	h := newHome(t)
	keys := &safe{}
	h.cfg.Keys = keys
	a := h.start()
	ctx := t.Context()
	plain, sealed := apptest.FileTarget(t.TempDir()), apptest.FileTarget(t.TempDir())
	wants := func(what string, err error, code app.Code, kept ...string) {
		t.Helper()
		if app.CodeOf(err) != code || !slices.Equal(keys.kept, kept) {
			t.Errorf("%s: %v; kept %v, want %v", what, err, keys.kept, kept)
		}
	}
	if k, err := a.NewKey(ctx); err != nil || k.ID != "new" || len(keys.kept) != 0 {
		t.Errorf("a new key: %v, %v, kept %v", k, err, keys.kept)
	}
	setup := func(req app.SetupRequest) (app.SetupResult, error) {
		req.DB = h.world.Path
		return a.Setup(ctx, req)
	}
	if _, err := a.PlanRestore(ctx, app.RestoreRequest{Key: "key one"}); app.CodeOf(err) != app.CodeInvalid || !strings.Contains(err.Error(), "No storage is set up") {
		t.Errorf("before there is a storage: %v", err)
	}
	_, err := setup(app.SetupRequest{Target: plain})
	wants("plain", err, "")
	_, err = setup(app.SetupRequest{Key: "key one"})
	wants("a key for plain copies", err, app.CodeInvalid)
	_, err = setup(app.SetupRequest{Target: sealed, Encrypt: true})
	wants("no key", err, app.CodeInvalid)
	_, err = setup(app.SetupRequest{Target: sealed, Encrypt: true, Key: "no"})
	wants("no key at all", err, app.CodeInvalid)
	_, err = setup(app.SetupRequest{Target: "file:///no/such/place", Encrypt: true, Key: "key one"})
	wants("a setup that fails", err, app.CodeNotFound)
	res, err := setup(app.SetupRequest{Target: sealed, Encrypt: true, Key: "key one"})
	wants("encrypted", err, "", "one")
	if res.Encryption != "one" || len(res.Notes) == 0 || res.Status.Standalone.Encryption != "one" {
		t.Errorf("%+v", res)
	}
	_, err = setup(app.SetupRequest{Key: "key two"})
	wants("another key", err, app.CodeDenied, "one")
	_, err = setup(app.SetupRequest{})
	wants("again", err, "", "one")
	_, err = a.PlanRestore(ctx, app.RestoreRequest{Key: "key two"})
	wants("a restore with another key", err, app.CodeDenied, "one")
	keys.kept = nil
	_, _ = a.PlanRestore(ctx, app.RestoreRequest{Key: "key one"}) // there may be nothing to restore yet
	wants("a restore gives it back", nil, "", "one")
	keys.kept = nil
	wants("another one is given", a.KeepKey(ctx, "key two"), app.CodeDenied)
	wants("none is given", a.KeepKey(ctx, ""), app.CodeInvalid)
	wants("it is given", a.KeepKey(ctx, "key one"), "", "one")
	_, err = setup(app.SetupRequest{Target: plain})
	if err != nil {
		t.Fatal(err)
	}
	wants("one is given for plain copies", a.KeepKey(ctx, "key one"), app.CodeInvalid, "one")
	_, err = a.PlanRestore(ctx, app.RestoreRequest{Key: "key one"})
	wants("a restore of plain copies", err, app.CodeInvalid, "one")
}
