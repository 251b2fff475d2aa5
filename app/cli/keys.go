package cli

import (
	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/app/standalone"
)

// keySafe keeps recovery keys in the keychain, by their ids.
type keySafe struct{ *login.Safe }

// New implements agent.Keys.
func (keySafe) New() (app.RecoveryKey, error) {
	k, err := standalone.NewKey()
	if err != nil {
		return app.RecoveryKey{}, err
	}
	return app.RecoveryKey{ID: k.ID(), Key: app.Secret(k.Secret())}, nil
}

// ID implements agent.Keys.
func (s keySafe) ID(key app.Secret) (string, error) {
	k, err := standalone.ParseKey(key.Reveal())
	if err != nil {
		return "", err
	}
	return k.ID(), nil
}

// Keep implements agent.Keys.
func (s keySafe) Keep(key app.Secret) (string, error) {
	k, err := standalone.ParseKey(key.Reveal())
	if err != nil {
		return "", err
	}
	return s.Safe.Keep(k.ID(), k.Secret())
}

// key is the one with this id, nil for none.
func (s keySafe) key(id string) (*standalone.Key, error) {
	if id == "" {
		return nil, nil
	}
	text, err := s.Get(id)
	if app.CodeOf(err) == app.CodeNotFound {
		return nil, app.Errorf(app.CodeDenied, opKey, "The copies are encrypted, and their recovery key %s is not in the keychain of this machine.", id).
			WithHint("Give it again. Without it nobody can read the copies.").
			Typed("Give it again with `coditect-sync setup --key-file FILE`. Without it nobody can read the copies.").Wrap(err)
	}
	if err != nil {
		return nil, err
	}
	k, err := standalone.ParseKey(text)
	if err != nil || k.ID() != id {
		return nil, app.Errorf(app.CodeDenied, opKey, "What the keychain of this machine holds is not the recovery key %s of the copies.", id).
			WithHint("Give it again. Without it nobody can read the copies.").
			Typed("Give it again with `coditect-sync setup --key-file FILE`. Without it nobody can read the copies.").Wrap(err)
	}
	return k, nil
}

// opKey is the Op of errors that say that the recovery key of the copies has to be given.
const opKey = "recovery key"
