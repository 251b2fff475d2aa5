package standalone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/superfly/ltx"
)

// errUnproved refuses to send a change that is not proved yet to follow the one before it.
var errUnproved = errors.New("the newest change is not proved yet")

// trust says which changes may be written to a target: all, or none after last while limited.
type trust struct {
	mu      sync.Mutex
	last    ltx.TXID
	limited bool
}

func (t *trust) upTo(last ltx.TXID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, t.limited = last, true
}

func (t *trust) all() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limited = false
}

func (t *trust) holds(txid ltx.TXID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.limited || txid <= t.last
}

// unprove says, before the file is opened, that whatever is captured after last must not be used until it is proved to
// follow last. The note on disk outlives a crash.
func (s *session) unprove(last ltx.TXID) error {
	s.trust.upTo(last)
	if err := os.MkdirAll(s.db.MetaPath(), 0o700); err != nil {
		return err
	}
	err := os.WriteFile(s.unprovedPath(), []byte(last.String()), 0o600)
	if isReadOnly(err) {
		return nil // nobody can write there, so nothing is captured either
	}
	return err
}

// prove is called when what was captured is known to follow. The note goes before anything is sent: the next start drops what
// it is about. One that cannot be removed costs a look at the targets then, and perhaps a full copy, no more.
func (s *session) prove() {
	if err := os.Remove(s.unprovedPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("note of an unproved change not removed", "error", err)
	}
	s.trust.all()
}

// dropUnproved removes the changes that were never proved, and the note of them. Nothing may have the file open.
func (s *session) dropUnproved() error {
	text, err := os.ReadFile(s.unprovedPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	last, err := ltx.ParseTXID(strings.TrimSpace(string(text)))
	if err != nil {
		last = 0 // a torn note: none of the local changes can be trusted, and the position is taken from the target
	}
	if err := s.dropAfter(last); err != nil {
		return err
	}
	return os.Remove(s.unprovedPath())
}

func (s *session) unprovedPath() string { return filepath.Join(s.db.MetaPath(), "unproved") }

// dropAfter removes the local changes after last, none of which was sent.
func (s *session) dropAfter(last ltx.TXID) error {
	entries, err := os.ReadDir(s.db.LTXLevelDir(0))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if lo, hi, err := ltx.ParseFilename(e.Name()); err == nil && lo > last {
			if err := os.Remove(s.db.LTXPath(0, lo, hi)); err != nil {
				return err
			}
		}
	}
	return nil
}
