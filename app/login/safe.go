package login

import (
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// Safe keeps secrets of a person on this machine: in the keychain, else in a file that only this user can read.
type Safe struct {
	dir, machine string
	off          bool // of the keychain
	log          *slog.Logger

	mu   sync.Mutex
	keys map[string]*keychain // each remembers that the person was asked to unlock it
}

// NewSafe is the safe of a home; machine is the id of the installation. Nothing is asked or made yet.
func NewSafe(c Config) *Safe {
	return &Safe{dir: filepath.Join(c.Home, "keys"), machine: c.Machine, off: c.NoKeychain, log: c.Logger, keys: map[string]*keychain{}}
}

// entry is where one secret is. Names are such as a folder can have.
func (s *Safe) entry(name string) (*keychain, sealed) {
	about := s.machine + "/" + name
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[name] == nil {
		s.keys[name] = newKeychain(about, s.off)
	}
	return s.keys[name], sealed{dir: filepath.Join(s.dir, name), about: about}
}

const inSafeFile = "It is kept in a file that only you can read, because no keychain took it. Whoever can read your files can use it."

// Keep keeps a secret under a name, in the place of the one before. note is what a person should know of where.
func (s *Safe) Keep(name, text string) (note string, err error) {
	keys, file := s.entry(name)
	keyErr := keys.set(text)
	if keyErr == nil {
		return "", file.remove()
	}
	if !errors.Is(keyErr, errNoKeychain) {
		s.log.Warn("keychain does not take a secret", "name", name, "error", keyErr)
	}
	return inSafeFile, file.save(secret{Server: name, Token: text})
}

// Get returns a secret. CodeNotFound: it is certain that there is none. CodeUnreachable: the keychain is locked.
func (s *Safe) Get(name string) (string, error) {
	keys, file := s.entry(name)
	kept, fileErr := file.load()
	if fileErr == nil && kept.Server == name {
		return kept.Token, nil
	}
	text, keyErr := keys.get()
	switch {
	case keyErr == nil:
		return text, nil
	case errors.Is(keyErr, errLocked):
		return "", app.Errorf(app.CodeUnreachable, "keychain", "The keychain is locked.").
			WithHint("Copying goes on when you unlock it; changes are recorded.").Wrap(keyErr)
	case fileErr != nil && !errors.Is(fileErr, errNoSecret):
		return "", fileErr
	}
	return "", app.Errorf(app.CodeNotFound, "keychain", "There is no %s in the keychain of this machine.", name).WithHint("Give it again.")
}

// Forget removes a secret; one that is not there is no error.
func (s *Safe) Forget(name string) error {
	keys, file := s.entry(name)
	err := file.remove()
	if keyErr := keys.remove(); keyErr != nil && !errors.Is(keyErr, errNoSecret) && !errors.Is(keyErr, errNoKeychain) {
		err = errors.Join(err, keyErr)
	}
	return err
}
