package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/coditect-ai/coditect-sync/backend"
)

// cost is how much work a hash is.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

var today = cost{memory: 19 << 10, passes: 2, threads: 1}

// Most a stored hash may cost: it is our own, but a database is written to by many.
var most = cost{memory: 256 << 10, passes: 16, threads: 16}

const (
	saltSize = 16
	keySize  = 32
	// MaxLength in bytes: longer ones only cost time.
	MaxLength = 1024
	// MinLength in bytes, of new passwords.
	MinLength = 12
)

var encoding = base64.RawStdEncoding

// Hasher computes hashes, a few at once. It may be used concurrently.
type Hasher struct {
	slots chan struct{}
	decoy string
}

// NewHasher returns a Hasher.
func NewHasher() *Hasher {
	return &Hasher{slots: make(chan struct{}, max(2, runtime.NumCPU())), decoy: hash(today, rand.Text())}
}

// Check says whether a password may be set, as a sentence for people.
func Check(password string) error {
	if len(password) < MinLength || len(password) > MaxLength {
		return backend.Errorf(backend.Invalid, "A password has %d to %d characters.", MinLength, MaxLength)
	}
	return nil
}

// Hash returns a password's hash with a new salt. It waits for a slot.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return hash(today, password), nil
}

// Verify reports whether a password is the one of a hash. Without a hash, because nobody is called so, it does the same work
// and says no: how long it takes tells nothing. stale means that the hash is of another cost than new ones.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (right, stale bool, err error) {
	if err := h.enter(ctx); err != nil {
		return false, false, err
	}
	defer h.leave()
	known := stored != ""
	if !known {
		stored = h.decoy
	}
	c, salt, key, err := parse(stored)
	if err != nil {
		return false, false, err
	}
	if len(password) > MaxLength {
		password, known = password[:MaxLength], false
	}
	same := subtle.ConstantTimeCompare(key, derive(c, salt, password)) == 1
	return same && known, c != today, nil
}

func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) leave() { <-h.slots }

func derive(c cost, salt []byte, password string) []byte {
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, keySize)
}

func hash(c cost, password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // crypto/rand does not fail
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads,
		encoding.EncodeToString(salt), encoding.EncodeToString(derive(c, salt, password)))
}

var errFormat = errors.New("a stored password is no argon2id hash")

func parse(stored string) (c cost, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errFormat
	}
	if n, _ := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); n != 3 {
		return c, nil, nil, errFormat
	}
	salt, saltErr := encoding.DecodeString(parts[4])
	key, keyErr := encoding.DecodeString(parts[5])
	tooMuch := c.memory > most.memory || c.passes > most.passes || c.threads > most.threads || c.passes == 0 || c.threads == 0
	if saltErr != nil || keyErr != nil || len(key) != keySize || tooMuch {
		return c, nil, nil, errFormat
	}
	return c, salt, key, nil
}
