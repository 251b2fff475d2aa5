// Package crypt encrypts what is stored, so that who keeps a storage, or gets at it, reads nothing in it: the only importer
// of age. It knows nothing of what it seals but a name.
//
// # Format
//
// A sealed object is an age file (age-encryption.org/v1) for one X25519 recipient, whose identity is the recovery key. The
// age command opens it with that key and nothing else, and what it gives is the object, byte for byte:
//
//	age -d -i key.txt NAME.age > NAME
//
// age hides content and finds every change in it, but anybody who knows the recipient could write such a file, and each
// opens under any name. So the header has a second stanza, which the command passes over:
//
//	-> coditect-sync/bound
//	BASE64( HMAC-SHA256( B, file key ‖ name ) )
//
// where B is 32 bytes of HKDF-SHA256 with the text of the recovery key (AGE-SECRET-KEY-1…), no salt, and the info
// "coditect-sync bound v1". It says that who wrote the object had the recovery key, and meant it for this name. age's own
// authentication ties the stanza to the header and the header to the content.
//
// All objects have a header of the same length, so that the sizes of content and object follow from each other.
package crypt

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"filippo.io/age"
)

// Suffix ends the names of sealed objects.
const Suffix = ".age"

var (
	// ErrNotKey is that of a text in which there is no recovery key, or one that was mistyped.
	ErrNotKey = errors.New("not a recovery key")
	// ErrUnsealed is wrapped by every failure to open what is damaged, not sealed at all, or sealed with another key.
	ErrUnsealed = errors.New("does not open")
	// ErrElsewhere is wrapped too where it opens, but was not sealed for this name by somebody who has the key.
	ErrElsewhere = errors.New("was not sealed for this name")
)

// Key is a recovery key: it seals and opens. Printing it, or logging it, shows its ID alone.
type Key struct {
	identity *age.X25519Identity
	bound    []byte // B
	id       string
}

// New makes a key of the system's randomness.
func New() (*Key, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return keyOf(identity)
}

// keyPrefix begins the text of a key.
const keyPrefix = "AGE-SECRET-KEY-1"

// Parse reads a key as New's Secret writes it or a person types it, or a file of the age command that holds one. The error
// wraps ErrNotKey and tells nothing of the text.
func Parse(text string) (*Key, error) {
	var found *Key
	for line := range strings.Lines(text) {
		line = strings.ToUpper(strings.Join(strings.Fields(line), ""))
		if !strings.HasPrefix(line, keyPrefix) {
			continue
		}
		identity, err := age.ParseX25519Identity(line)
		if err != nil || found != nil {
			return nil, ErrNotKey // of two it is not known which is meant
		}
		if found, err = keyOf(identity); err != nil {
			return nil, err
		}
	}
	if found == nil {
		return nil, ErrNotKey
	}
	return found, nil
}

func keyOf(identity *age.X25519Identity) (*Key, error) {
	bound, err := hkdf.Key(sha256.New, []byte(identity.String()), nil, "coditect-sync bound v1", sha256.Size)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte("coditect-sync key " + identity.Recipient().String()))
	return &Key{identity: identity, bound: bound, id: hex.EncodeToString(sum[:8])}, nil
}

// ID tells keys apart and tells nothing else of them.
func (k *Key) ID() string { return k.id }

// Secret is the key itself, one line of capitals, digits and hyphens.
func (k *Key) Secret() string { return k.identity.String() }

// String is the ID.
func (k *Key) String() string { return "key " + k.id }

// GoString is the ID.
func (k *Key) GoString() string { return k.String() }

// LogValue is the ID.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// mac binds a file key to a name.
func (k *Key) mac(fileKey []byte, name string) []byte {
	h := hmac.New(sha256.New, k.bound)
	h.Write(fileKey)
	h.Write([]byte(name))
	return h.Sum(nil)
}

// boundStanza is the type of the second stanza.
const boundStanza = "coditect-sync/bound"

// bound is a key for one name, as age's recipient and identity.
type bound struct {
	*Key
	name string
}

// Wrap implements age.Recipient.
func (b bound) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, err := b.identity.Recipient().Wrap(fileKey)
	return append(stanzas, &age.Stanza{Type: boundStanza, Body: b.mac(fileKey, b.name)}), err
}

// Unwrap implements age.Identity.
func (b bound) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	fileKey, err := b.identity.Unwrap(stanzas)
	if err != nil {
		return nil, err
	}
	want := b.mac(fileKey, b.name)
	for _, s := range stanzas {
		if s.Type == boundStanza && hmac.Equal(s.Body, want) {
			return fileKey, nil
		}
	}
	return nil, ErrElsewhere
}

// Seal returns a writer that seals to dst what is written to it, for this name. It is whole after Close, which leaves dst open.
func (k *Key) Seal(dst io.Writer, name string) (io.WriteCloser, error) {
	return age.Encrypt(dst, bound{k, name})
}

// SealBytes seals a small object.
func (k *Key) SealBytes(content []byte, name string) ([]byte, error) {
	var out bytes.Buffer
	w, err := k.Seal(&out, name)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

// Open returns a reader of what was sealed for this name. No byte of it is given that was not authenticated; what cannot be
// is an error that wraps ErrUnsealed, here or of the reader. A failure of src is returned as it is. Memory: two pieces of 64 KiB.
func (k *Key) Open(src io.Reader, name string) (io.Reader, error) {
	own := &source{r: src}
	r, err := age.Decrypt(own, bound{k, name})
	if err != nil {
		return nil, own.sort(err)
	}
	return &opened{r, own}, nil
}

// source remembers how reading failed, to tell that from what was read.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// sort tells a failure to read from one to open.
func (s *source) sort(err error) error {
	if s.err != nil {
		return s.err
	}
	return fmt.Errorf("%w: %w", ErrUnsealed, err)
}

type opened struct {
	r   io.Reader
	src *source
}

func (o *opened) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // age's own end
		err = o.src.sort(err)
	}
	return n, err
}

// OpenAt is Open for reading anywhere in an object of this size; it also returns the content's. It reads the header and the
// last piece at once, and then the pieces asked for, each authenticated.
func (k *Key) OpenAt(src io.ReaderAt, size int64, name string) (io.ReaderAt, int64, error) {
	own := &sourceAt{r: src}
	r, n, err := age.DecryptReaderAt(own, size, bound{k, name})
	if err != nil {
		return nil, 0, own.sort(err)
	}
	return &openedAt{r, own}, n, nil
}

type sourceAt struct {
	r io.ReaderAt
	source
}

func (s *sourceAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := s.r.ReadAt(p, at)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

type openedAt struct {
	r   io.ReaderAt
	src *sourceAt
}

func (o *openedAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := o.r.ReadAt(p, at)
	if err != nil && err != io.EOF { //nolint:errorlint // age's own end
		err = o.src.sort(err)
	}
	return n, err
}
