package login

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// secret is a refresh token as it is kept.
type secret struct {
	// Server is whose token it is: it is never sent elsewhere, whatever account.json says.
	Server string `json:"server"`
	// N grows with every token: of two, the one with the larger number is newer.
	N     int64  `json:"n"`
	Token string `json:"token"`
}

func (s secret) next(token string) secret { return secret{Server: s.Server, N: s.N + 1, Token: token} }

// errNoSecret means that nothing is kept, and that this is certain.
var errNoSecret = errors.New("no refresh token is kept")

// vault keeps one secret: in the keychain, else in the file, else in memory.
type vault struct {
	keys *keychain
	file sealed
	log  *slog.Logger

	mu     sync.Mutex
	memory secret // newer than what is kept; zero when all is kept
	noted  string
}

func newVault(dir string, c Config) *vault {
	return &vault{keys: newKeychain(c.Machine, c.NoKeychain), file: sealed{dir: dir, about: c.Machine}, log: c.Logger}
}

// note is what a person should know of where the secret is.
func (v *vault) note() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.noted
}

func (v *vault) setNote(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.noted = text
}

const (
	inFile   = "The sign-in is kept in a file that only you can read, because no keychain took it. Whoever can read your files can use it."
	inMemory = "The sign-in could not be kept on this machine. It ends with this program."
)

// load returns the newest secret for a server. errNoSecret: there is none. An *app.Error: it cannot be read now.
func (v *vault) load(server string) (secret, error) {
	v.mu.Lock()
	best := v.memory
	v.mu.Unlock()
	kept, fileErr := v.file.load()
	if fileErr == nil {
		v.setNote(inFile)
		best = newer(best, kept)
	}
	text, keyErr := v.keys.get()
	if keyErr == nil {
		var kept secret
		if err := json.Unmarshal([]byte(text), &kept); err != nil {
			v.log.Warn("keychain entry not understood", "error", err)
		}
		best = newer(best, kept)
	}
	switch {
	case best.Token != "" && best.Server == server:
		return best, nil
	case errors.Is(keyErr, errLocked):
		return secret{}, app.Errorf(app.CodeUnreachable, op, "The keychain is locked.").
			WithHint("Sync goes on when you unlock it; changes are recorded.").Wrap(keyErr)
	case fileErr != nil && !errors.Is(fileErr, errNoSecret):
		return secret{}, fileErr
	}
	return secret{}, errNoSecret
}

// newer is the one with the larger number, whatever else it says.
func newer(a, b secret) secret {
	if b.N > a.N {
		return b
	}
	return a
}

// save keeps a secret that is newer than all others. The error says why neither keychain nor file took it; then it is in
// memory.
func (v *vault) save(s secret) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	keyErr := v.keys.set(string(text))
	if keyErr == nil {
		err = v.file.remove()
		v.kept(secret{}, "")
		return err
	}
	if !errors.Is(keyErr, errNoKeychain) {
		v.log.Warn("keychain does not take the sign-in", "error", keyErr)
	}
	if err := v.file.save(s); err != nil {
		v.kept(s, inMemory)
		return errors.Join(keyErr, err)
	}
	v.kept(secret{}, inFile)
	return nil
}

func (v *vault) kept(memory secret, note string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.memory, v.noted = memory, note
}

// wipe forgets the secret everywhere. When it fails something of it may be left in the keychain.
func (v *vault) wipe(context.Context) error {
	v.kept(secret{}, "")
	err := v.file.remove()
	if keyErr := v.keys.remove(); keyErr != nil && !errors.Is(keyErr, errNoSecret) && !errors.Is(keyErr, errNoKeychain) {
		err = errors.Join(err, keyErr)
	}
	return err
}
