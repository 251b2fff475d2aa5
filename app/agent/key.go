package agent

import (
	"context"
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
)

// Keys keeps the recovery keys of encrypted copies on this machine.
type Keys interface {
	// ID reads a key as a person gives it, and tells its id. CodeInvalid for what is none.
	ID(key app.Secret) (string, error)
	// Keep keeps a key; note is what a person should know of where.
	Keep(key app.Secret) (note string, err error)
	// Forget removes one.
	Forget(id string) error
}

// takeKey keeps the key that setup was given, so that the storage can be opened with it. undo forgets it again.
func (a *Agent) takeKey(was app.Prefs, p *app.Prefs, req app.SetupRequest, res *app.SetupResult) (undo func(), err error) {
	if req.Key == "" {
		return func() {}, nil
	}
	all := slices.Clone(p.Places())
	tried := tries(*p, req)
	id := ""
	for i, place := range all {
		if !slices.Contains(tried, place) {
			continue
		}
		notes := &res.Notes
		if id != "" {
			notes = new([]string) // it was said
		}
		if id, err = a.keepKey(p.At(place), req.Key, notes); err != nil {
			return nil, err
		}
		all[i].Encryption = id
	}
	*p = p.With(all)
	return func() {
		if id == "" || slices.ContainsFunc(was.Places(), func(is app.Place) bool { return is.Encryption == id }) {
			return
		}
		if err := a.cfg.Keys.Forget(id); err != nil {
			a.log.Warn("key not removed from the keychain", "id", id, "error", err)
		}
	}, nil
}

// giveKey keeps the key of the copies that are set up, which the keychain may have lost.
func (a *Agent) giveKey(ctx context.Context, key app.Secret) error {
	if key == "" {
		return nil
	}
	p, err := a.prefs(ctx)
	if err != nil {
		return err
	}
	encrypted := slices.DeleteFunc(p.Places(), func(is app.Place) bool { return is.Encryption == "" })
	if len(encrypted) == 0 {
		return app.Errorf(app.CodeInvalid, "restore", "The copies are not encrypted, so they have no recovery key.").
			WithHint("Leave --key-file out.")
	}
	for _, place := range encrypted { // it is that of one of them
		if _, err = a.keepKey(p.At(place), key, new([]string)); err == nil {
			return nil
		}
	}
	return err
}

func (a *Agent) keepKey(p app.Prefs, key app.Secret, notes *[]string) (id string, err error) {
	if a.cfg.Keys == nil {
		return "", app.Errorf(app.CodeRefused, "key", "This program cannot keep recovery keys.").WithHint("Use coditect-sync.")
	}
	if id, err = a.cfg.Keys.ID(key); err != nil {
		return "", err
	}
	if p.Encryption != "" && p.Encryption != id {
		return "", app.Errorf(app.CodeDenied, "wrong key", "This is not the recovery key of these copies: theirs has the id %s, this one %s.", p.Encryption, id).
			WithHint("Look for the other one; its id stands beside it. Without it nobody can read the copies.")
	}
	note, err := a.cfg.Keys.Keep(key)
	if err != nil {
		return "", err
	}
	if note != "" {
		*notes = append(*notes, "The recovery key is kept on this machine for the test restores. "+note)
	}
	return id, nil
}

// settleEncryption makes sure that what is at the storage fits how it was opened.
func settleEncryption(ctx context.Context, storage Storage, p app.Prefs, req app.SetupRequest, res *app.SetupResult) error {
	step, err := storage.SettleEncryption(ctx, p.User, req.Encrypt)
	if err != nil {
		return err
	}
	if req.Encrypt && p.Encryption == "" {
		return app.Errorf(app.CodeInvalid, "new key", "Encrypted copies need a recovery key, and none was given.").
			WithHint("Add --key-file FILE: a new key is written there, or the one that is there is used.")
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
