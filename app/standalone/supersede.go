package standalone

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// A change now and then holds the whole file. Where the file is large and the way to the target slow, several may come
// while one is sent, and each would keep the ones before it on the disk. So of those that wait only the newest stays: what
// waits between the oldest and it is dropped here, and the newest becomes the next full copy. Changes before the oldest
// are sent as they are; the moments between the two are no restore points then.

// supersede drops the changes that wait between two that hold the whole file. It takes none that a target is being sent or
// waits for without one of the two, and goes by no change that is not proved.
func (s *session) supersede() {
	pos, err := s.db.Pos()
	if err != nil {
		return
	}
	s.local.Lock()
	defer s.local.Unlock()
	var gaps []gap
	begin, end := pos.TXID, ltx.TXID(0)
	for _, sh := range s.ships {
		if sh.dropped {
			continue // a full copy comes first in any case
		}
		g := gap{from: max(sh.sentUpTo(), sh.sending) + 1}
		g.first, g.newest = s.wholeWaiting(g.from, pos.TXID)
		gaps = append(gaps, g)
		if g.first != g.newest {
			begin, end = min(begin, g.first), g.newest
		}
	}
	n := 0
	for txid := begin; txid < end; txid++ {
		if slices.ContainsFunc(gaps, func(g gap) bool { return g.needs(txid) }) || s.sizes(txid) == 0 {
			continue
		}
		n++
		s.logRemove(os.Remove(s.db.LTXPath(0, txid, txid)))
	}
	if n > 0 {
		s.log.Info("a newer copy of the whole file takes the place of waiting changes", "from", begin.String(), "newer", end.String(), "changes", n)
	}
}

// gap is what a target can do without: from the first of the waiting changes that hold the whole file up to the newest.
type gap struct{ from, first, newest ltx.TXID }

func (g gap) needs(txid ltx.TXID) bool {
	return txid >= g.from && (txid < g.first || txid >= g.newest || g.first == g.newest)
}

// wholeWaiting finds the oldest and the newest proved change in a range that hold the whole of a large file; zeros when
// there is none. The caller holds local.
func (s *session) wholeWaiting(from, to ltx.TXID) (first, newest ltx.TXID) {
	for txid := from; txid <= to && s.trust.holds(txid); txid++ {
		if s.sizes(txid) < largeChange || !holdsWhole(s.db.LTXPath(0, txid, txid)) {
			continue
		}
		if newest = txid; first == 0 {
			first = txid
		}
	}
	return first, newest
}

// holdsWhole tells that a change file has every page of the database. What cannot be read has not.
func holdsWhole(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	dec := ltx.NewDecoder(f)
	if err := dec.DecodeHeader(); err != nil {
		return false
	}
	h := dec.Header()
	pages := h.Commit
	if h.LockPgno() <= h.Commit {
		pages-- // the page that SQLite locks holds nothing
	}
	n, err := pagesIn(f)
	return err == nil && n == pages
}

// pagesIn counts the pages of an LTX file by the index at its end.
func pagesIn(f *os.File) (n uint32, err error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := make([]byte, 8)
	end := fi.Size() - ltx.TrailerSize - int64(len(size))
	if _, err := f.ReadAt(size, end); err != nil {
		return 0, err
	}
	length := int64(binary.BigEndian.Uint64(size))
	if length <= 0 || length > end {
		return 0, errors.New("no index")
	}
	r := bufio.NewReader(io.NewSectionReader(f, end-length, length))
	for ; ; n++ {
		pgno, err := binary.ReadUvarint(r)
		if err != nil || pgno == 0 {
			return n, err
		}
		for range 2 { // offset and size
			if _, err := binary.ReadUvarint(r); err != nil {
				return n, err
			}
		}
	}
}

// sendChanges sends the changes from next to pos, in order. Where the next one was dropped, the newest that holds the
// whole file goes up as a full copy. It returns the newest that is at the target.
func (s *shipper) sendChanges(ctx context.Context, next, pos ltx.TXID) (ltx.TXID, error) {
	for ; next <= pos; next++ {
		f, err := s.openToSend(next)
		if errors.Is(err, fs.ErrNotExist) {
			next, err = s.jump(ctx, next)
		} else if err == nil {
			_, err = s.index.WriteLTXFile(ctx, 0, next, next, f)
			_ = f.Close() // only read
		}
		s.sent()
		if err != nil {
			return 0, err
		}
		s.at(next)
	}
	return next - 1, nil
}

// openToSend opens a change and keeps it from being dropped until sent.
func (s *shipper) openToSend(txid ltx.TXID) (*os.File, error) {
	s.local.Lock()
	defer s.local.Unlock()
	path := s.db.LTXPath(0, txid, txid)
	f, err := os.Open(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = litestream.NewLTXError("open", path, 0, uint64(txid), uint64(txid), err)
	}
	s.sending = txid
	return f, err
}

func (s *shipper) sent() {
	s.local.Lock()
	defer s.local.Unlock()
	s.sending = 0
}

// jump goes on where the change next is not here any more: with the newest change that holds the whole file, else with a
// new full copy of it. It returns the change that the next one follows.
func (s *shipper) jump(ctx context.Context, next ltx.TXID) (ltx.TXID, error) {
	pos, err := s.db.Pos()
	if err != nil {
		return 0, err
	}
	s.local.Lock()
	_, whole := s.wholeWaiting(next, pos.TXID)
	s.sending, s.base = whole, whole
	s.local.Unlock()
	defer s.based()
	if whole == 0 {
		return s.newBase(ctx, "the next change is not here any more")
	}
	if whole == pos.TXID { // the change after it becomes the base, so that the whole need not go up twice
		if err := s.touch(ctx); err != nil {
			return 0, err
		}
	}
	if err := s.sendAsFull(ctx, whole); err != nil {
		return 0, err
	}
	return whole + 1, s.goOnFrom(ctx, whole+1)
}

// sendAsFull sends a change that holds the whole file as a full copy.
func (s *shipper) sendAsFull(ctx context.Context, txid ltx.TXID) error {
	s.log.Info("a change that holds the whole file becomes the next full copy", "txid", txid.String())
	in, err := os.Open(s.db.LTXPath(0, txid, txid))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		out := bufio.NewWriterSize(w, rewriteBuffer)
		err := recode(ltx.NewDecoder(bufio.NewReaderSize(in, rewriteBuffer)), out, func(h *ltx.Header) { h.MinTXID = 1 })
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			err = fmt.Errorf("%w: %w", errSource, err)
		}
		_ = w.CloseWithError(err) // never fails
	}()
	_, err = s.index.WriteLTXFile(ctx, snapshotLevel, 1, txid, r)
	_ = r.Close() // ends the goroutine where not all was read
	<-done
	return err
}
