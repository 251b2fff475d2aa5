package standalone

import (
	"context"
	"fmt"
	"time"

	"github.com/benbjohnson/litestream"
)

// A commit that is under way gets a second, in looks of this length.
const (
	ghostLook  = 20 * time.Millisecond
	ghostLooks = 50
)

// A writer that is killed between its last write to the WAL and the moment it says so in the index leaves a whole
// transaction there that never was: no program sees it, and the next writer writes over it. Litestream reads the WAL
// without the index. It would take that transaction for committed, go on behind its end, and miss everything that is
// written over it.

// errGhost ends a session that captured such a transaction. The next one begins with a copy of the whole file.
var errGhost = fmt.Errorf("%w: a writer died before it had committed", errAside)

// exorcise looks whether more was captured than is committed. It makes a small commit of its own then, over what is not,
// and has the next session copy the whole file. The caller holds capturing.
func (s *session) exorcise(ctx context.Context) error {
	if !s.staysBeyondIndex(ctx) {
		return nil
	}
	release, err := s.holdWriters(ctx, s.hasHeader) // a writer that lives has said so once the lock is ours
	if err != nil {
		return err
	}
	ghost := s.beyondIndex()
	release()
	if !ghost {
		return nil
	}
	if _, err := s.db.SQLDB().ExecContext(ctx, bumpSeq); err != nil {
		return err
	}
	pos, err := s.db.Pos()
	if err != nil {
		return err
	}
	path := s.db.LTXPath(0, pos.TXID, pos.TXID)
	h, err := changeHeader(path)
	if err != nil {
		return err
	}
	if err := endAt(path, salts{^h.WALSalt1, ^h.WALSalt2}); err != nil { // of no WAL that is there
		return err
	}
	s.log.Warn("a transaction was captured whose writer died before it had committed; the next change holds the whole file", "txid", pos.TXID.String())
	s.ended = true
	return errGhost
}

// staysBeyondIndex gives a writer that lives the time to flush its commit and say so: no lock is taken while there is one.
func (s *session) staysBeyondIndex(ctx context.Context) bool {
	tick := time.NewTicker(ghostLook)
	defer tick.Stop()
	for range ghostLooks {
		if !s.beyondIndex() {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return s.beyondIndex()
}

// beyondIndex tells that the newest change ends behind the last frame of the WAL that is committed by now.
func (s *session) beyondIndex() bool {
	if s.walIndex == nil || s.walIndex.f == nil {
		return false
	}
	pos, err := s.db.Pos()
	if err != nil || pos.TXID == 0 {
		return false
	}
	h, err := changeHeader(s.db.LTXPath(0, pos.TXID, pos.TXID))
	if err != nil {
		return false
	}
	index, ok := s.walIndex.header()
	committed := litestream.WALHeaderSize + int64(index.frames)*int64(litestream.WALFrameHeaderSize+s.db.PageSize())
	return ok && index.salts == saltsOf(h) && h.WALOffset+h.WALSize > committed
}
