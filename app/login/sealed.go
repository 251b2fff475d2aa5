package login

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// sealed is the file for machines without a keychain: AES-256-GCM, its key in a file beside it.
type sealed struct {
	dir   string
	about string // bound into the seal: the file of another machine does not open
}

func (f sealed) path() string    { return filepath.Join(f.dir, "sealed") }
func (f sealed) keyPath() string { return filepath.Join(f.dir, "key") }

// load returns errNoSecret where there is no file, and an *app.Error where it cannot be read. A file that does not open with
// its key holds nothing that could still be used, so it counts as none.
func (f sealed) load() (secret, error) {
	box, err := os.ReadFile(f.path())
	if errors.Is(err, fs.ErrNotExist) {
		return secret{}, errNoSecret
	}
	if err != nil {
		return secret{}, f.failed(err)
	}
	key, err := os.ReadFile(f.keyPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return secret{}, f.failed(err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return secret{}, errNoSecret
	}
	var s secret
	plain, err := gcm.Open(nil, nil, box, []byte(f.about))
	if err != nil || json.Unmarshal(plain, &s) != nil {
		return secret{}, errNoSecret
	}
	return s, nil
}

// save replaces the file so that a crash leaves the old one or the new one.
func (f sealed) save(s secret) error {
	plain, err := json.Marshal(s)
	if err != nil {
		return err
	}
	gcm, err := f.key()
	if err != nil {
		return err
	}
	return config.WriteFile(f.path(), gcm.Seal(nil, nil, plain, []byte(f.about)))
}

// key is the one that is there, or a new one.
func (f sealed) key() (cipher.AEAD, error) {
	key, err := os.ReadFile(f.keyPath())
	if err == nil && len(key) == keyLength {
		return newGCM(key)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, f.failed(err)
	}
	key = make([]byte, keyLength)
	_, _ = rand.Read(key) // it does not fail
	if err := config.WriteFile(f.keyPath(), key); err != nil {
		return nil, err
	}
	return newGCM(key)
}

const keyLength = 32

// newGCM puts a random nonce before what it seals.
func newGCM(key []byte) (cipher.AEAD, error) {
	if len(key) != keyLength {
		return nil, errors.New("the key has another length")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// remove forgets what was sealed, and its key.
func (f sealed) remove() error {
	var all error
	for _, path := range []string{f.path(), f.keyPath()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, f.failed(err))
		}
	}
	return all
}

func (f sealed) failed(err error) error {
	return app.Errorf(app.CodeDenied, op, "The files in %s cannot be used.", f.dir).
		WithHint("Give this user the right to read and write there.").Wrap(err)
}
