package agent

import (
	"context"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Keys keeps the recovery keys of encrypted copies on this machine.
type Keys interface {
	// New makes a key.
	New() (app.RecoveryKey, error)
	// ID reads a key as a person gives it, and tells its id. CodeInvalid for what is none.
	ID(key app.Secret) (string, error)
	// Keep keeps a key; note is what a person should know of where.
	Keep(key app.Secret) (note string, err error)
	// Forget removes one.
	Forget(id string) error
}

// NewKey implements app.Outfitter.
func (a *Agent) NewKey(context.Context) (app.RecoveryKey, error) {
	if a.cfg.Keys == nil {
		return app.RecoveryKey{}, noKeys()
	}
	return a.cfg.Keys.New()
}

func noKeys() error {
	return app.Errorf(app.CodeRefused, "key", "This program cannot keep recovery keys.").WithHint("Use coditect-sync.")
}

// takeKey keeps the key that setup was given, so that the storages it is of can be opened with it: those that have it, new
// ones, and with Encrypt all. undo forgets it again.
func (a *Agent) takeKey(was app.Prefs, p *app.Prefs, req app.SetupRequest, res *app.SetupResult) (undo func(), err error) {
	if req.Key == "" {
		return func() {}, nil
	}
	id, err := a.keyID(req.Key)
	if err != nil {
		return nil, err
	}
	all, tried, fits := slices.Clone(p.Places()), tries(*p, req), false
	for i, place := range all {
		known := slices.ContainsFunc(was.Places(), func(is app.Place) bool { return is.Target == place.Target })
		if slices.Contains(tried, place) && place.Encryption == "" && (req.Encrypt || !known) {
			all[i].Encryption = id
		}
		fits = fits || slices.Contains(tried, place) && all[i].Encryption == id
	}
	if !fits {
		return nil, wrongKey(tried, id)
	}
	*p = p.With(all)
	note, err := a.cfg.Keys.Keep(req.Key)
	if err != nil {
		return nil, err
	}
	if note != "" {
		res.Notes = append(res.Notes, "The recovery key is kept on this machine for the test restores. "+note)
	}
	return func() {
		if slices.ContainsFunc(was.Places(), func(is app.Place) bool { return is.Encryption == id }) {
			return
		}
		if err := a.cfg.Keys.Forget(id); err != nil {
			a.log.Warn("key not removed from the keychain", "id", id, "error", err)
		}
	}, nil
}

func (a *Agent) keyID(key app.Secret) (string, error) {
	if a.cfg.Keys == nil {
		return "", noKeys()
	}
	return a.cfg.Keys.ID(key)
}

// wrongKey is for a key that none of the places has.
func wrongKey(places []app.Place, id string) error {
	for _, place := range places {
		if place.Encryption != "" {
			return app.Errorf(app.CodeDenied, "wrong key", "This is not the recovery key of these copies: theirs has the id %s, this one %s.", place.Encryption, id).
				WithHint("Look for the other one; its id stands beside it. Without it nobody can read the copies.")
		}
	}
	return app.Errorf(app.CodeInvalid, "key", "The copies are not encrypted, so they have no recovery key.").
		WithHint("Leave the key out, or begin encrypted copies in another place.").
		Typed("Leave --key-file out, or begin encrypted copies in another place with --target and --encrypt.")
}

// KeepKey implements app.Outfitter.
func (a *Agent) KeepKey(ctx context.Context, key app.Secret) error {
	p, err := a.prefs(ctx)
	switch {
	case err != nil:
		return err
	case p.Target == "":
		return noStorage("key")
	case key == "":
		return app.Errorf(app.CodeInvalid, "key", "No recovery key was given.")
	}
	return a.giveKey(ctx, key)
}

// giveKey keeps the key of the copies that are set up, which the keychain may have lost. What could not be opened without it
// is opened at once.
func (a *Agent) giveKey(ctx context.Context, key app.Secret) error {
	if key == "" {
		return nil
	}
	p, err := a.prefs(ctx)
	if err != nil || p.Target == "" { // of which the restore says so
		return err
	}
	id, err := a.keyID(key)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Places(), func(is app.Place) bool { return is.Encryption == id }) {
		return wrongKey(p.Places(), id)
	}
	if _, err = a.cfg.Keys.Keep(key); err != nil {
		return err
	}
	return a.do(ctx, func() {
		a.core.retryAt = time.Time{}
		if e := a.core.engine; e != nil && len(e.shut) > 0 {
			e.wanted = wanted{} // start anew
		}
	})
}

// settleEncryption makes sure that what is at the storage fits how it was opened.
func settleEncryption(ctx context.Context, storage Storage, p app.Prefs, req app.SetupRequest, res *app.SetupResult) error {
	step, err := storage.SettleEncryption(ctx, p.User, req.Encrypt)
	if err != nil {
		return err
	}
	if req.Encrypt && p.Encryption == "" {
		return app.Errorf(app.CodeInvalid, "new key", "Encrypted copies need a recovery key, and none was given.").
			WithHint("Make one: it is shown once, and has to come back.").
			Typed("Add --key-file FILE: a new key is written there, or the one that is there is used.")
	}
	if step != "" {
		res.Steps = append(res.Steps, step)
	}
	res.Encryption = p.Encryption
	return nil
}

// changedEncryption says what a person should know where copies begin that are encrypted otherwise than the former ones.
func changedEncryption(was, p app.Prefs) []string {
	switch {
	case was.Target == "" || was.Encryption == p.Encryption:
		return nil
	case p.Encryption == "":
		return []string{"The former copies were encrypted, these are not. Add --encrypt to encrypt them too."}
	case was.Encryption == "":
		return []string{"The whole file goes up once more, encrypted. The plain copies stay in " + was.Target + ": delete them yourself when the new ones are proved."}
	}
	return []string{"These copies have another recovery key than the former ones."}
}
