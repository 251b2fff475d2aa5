package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/coditect-ai/coditect-sync/backend"
)

// SecretSize is how many random bytes a Secret needs.
const SecretSize = 32

// Secret is what the server keeps outside the database. Everything else secret is derived from it or sealed with it.
type Secret struct{ bytes [SecretSize]byte }

// NewSecret takes at least SecretSize random bytes.
func NewSecret(random []byte) (Secret, error) {
	if len(random) < SecretSize {
		return Secret{}, backend.Errorf(backend.Invalid, "The server's secret is shorter than 32 bytes.")
	}
	return Secret{sha256.Sum256(random)}, nil
}

// Derive returns a key for one purpose.
func (s Secret) Derive(purpose string) (key [32]byte, err error) {
	derived, err := hkdf.Key(sha256.New, s.bytes[:], nil, purpose, len(key))
	copy(key[:], derived)
	return key, err
}

// Seal encrypts data so that only Unseal with the same secret and name gives it back.
func (s Secret) Seal(name string, data []byte) ([]byte, error) {
	aead, err := s.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // crypto/rand does not fail
	return aead.Seal(nonce, nonce, data, []byte(name)), nil
}

// Unseal is the reverse of Seal.
func (s Secret) Unseal(name string, sealed []byte) ([]byte, error) {
	aead, err := s.aead()
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("what was sealed is too short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(name))
}

func (s Secret) aead() (cipher.AEAD, error) {
	key, err := s.Derive("seal")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
