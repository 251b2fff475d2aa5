package standalone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/superfly/ltx"
)

// What was captured here may be sent after what a target holds only if it follows it. That is not a matter of numbers: a
// target that was set up before, for another file or before the local state was lost, may hold a change 41 that is not the
// one which our 42 follows. So a note beside the local changes says of each target that it holds the same row of changes. It
// is written before the first change is sent to an empty target, and by taking the position from one, and goes whenever the
// local row begins anew. To a target without one goes a full copy first.

// join makes sure that what is sent next follows what is at the target. It returns the position, which may have moved. The
// caller holds shipping.
func (s *shipper) join(ctx context.Context, pos ltx.TXID) (ltx.TXID, error) {
	if s.joined {
		return pos, nil
	}
	there, err := s.index.listed(ctx, 0)
	if err != nil {
		return pos, err
	}
	if maxTXID(there) > pos {
		s.ahead.Store(true)
		return pos, fmt.Errorf("%w: %s holds later changes than are known here", errReopen, s.target.URL())
	}
	if s.isNoted() {
		if s.joined, err = s.isOurs(ctx, there); s.joined || err != nil {
			return pos, err
		}
		s.log.Warn("the newest change at a target is not the one of that number here", "target", s.target.URL())
	}
	full, err := s.index.list(ctx, snapshotLevel)
	if err != nil {
		return pos, err
	}
	if maxTXID(full) > pos {
		s.ahead.Store(true)
		return pos, fmt.Errorf("%w: %s holds a later full copy than is known here", errReopen, s.target.URL())
	}
	if newest := max(maxTXID(there), maxTXID(full)); newest > 0 { // the note follows the full copy
		s.rebaseFor = cmp.Or(s.rebaseFor, "what is there was not copied from what is here")
		return s.beyond(ctx, newest)
	}
	s.joined = true
	return pos, s.noteJoined()
}

func (s *shipper) isNoted() bool {
	_, err := os.Stat(s.joinNote())
	return err == nil
}

// isOurs tells whether the newest change there is the one of that number here: the local row may have been put back since
// that one was sent, with the whole disk or because a note of an unproved change stayed, and captured anew from there. It
// is, too, where nothing of that number is here any more.
func (s *shipper) isOurs(ctx context.Context, there []*ltx.FileInfo) (bool, error) {
	if len(there) == 0 {
		return true, nil
	}
	newest := there[len(there)-1]
	here, err := changeHeader(s.db.LTXPath(0, newest.MaxTXID, newest.MaxTXID))
	if errors.Is(err, fs.ErrNotExist) || err == nil && here.Timestamp == newest.CreatedAt.UnixMilli() {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	is, err := readHeader(ctx, s.index, newest)
	if isDamage(err) {
		return false, nil
	}
	return err == nil && is.Timestamp == here.Timestamp, err
}

// beyond makes a change of its own where the newest one here has the number of one at the target, and is another.
func (s *shipper) beyond(ctx context.Context, there ltx.TXID) (ltx.TXID, error) {
	pos, err := s.db.Pos()
	if err != nil || pos.TXID > there {
		return pos.TXID, err
	}
	if err := s.touch(ctx); err != nil {
		return pos.TXID, err
	}
	pos, err = s.db.Pos()
	return pos.TXID, err
}

// joinPrefix begins the names of the notes.
const joinPrefix = "follows"

func (s *shipper) joinNote() string { return s.note(s.k.cfg.File.Path(), joinPrefix) }

func (s *shipper) noteJoined() error {
	if err := os.MkdirAll(s.db.MetaPath(), 0o700); err != nil {
		return err
	}
	err := os.WriteFile(s.joinNote(), []byte(s.target.URL()+"\n"), 0o600)
	if isReadOnly(err) {
		return nil // nobody can write there, so nothing is captured either
	}
	return err
}

// forgetJoined says that the local changes follow nothing that is at a target.
func (s *session) forgetJoined() error {
	entries, err := os.ReadDir(s.db.MetaPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), joinPrefix) {
			err = errors.Join(err, os.Remove(filepath.Join(s.db.MetaPath(), e.Name())))
		}
	}
	return err
}
