package standalone

import (
	"cmp"
	"math"
	"os"
	"slices"

	"github.com/superfly/ltx"
)

// A local change goes once every target has it and has merged it. A target that is away for long would keep all of them,
// so what is kept for one target alone is bounded: beyond that a full copy is less than what it missed. Then that goes, the
// status says so, and the target begins anew with a full copy when it is back. The moments between are restore points at
// the other targets only. What no target has is never dropped.

// What is kept at most for one target alone. The bytes are those, or the size of the file where that is more.
const (
	keptChanges = 20_000
	keptBytes   = 256 << 20
)

// local is a change file.
type local struct {
	txid ltx.TXID
	size int64
}

// dropLocal removes the local changes that no target needs.
func (s *session) dropLocal() {
	pos, err := s.db.Pos()
	if err != nil {
		return
	}
	files := s.locals()
	s.local.Lock()
	defer s.local.Unlock()
	end := s.spare(files)
	for _, f := range files {
		if f.txid <= end && f.txid < pos.TXID { // the newest is the position
			s.logRemove(os.Remove(s.db.LTXPath(0, f.txid, f.txid)))
		}
	}
}

// locals lists the change files, oldest first.
func (s *session) locals() (out []local) {
	entries, err := os.ReadDir(s.db.LTXLevelDir(0))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		lo, hi, err := ltx.ParseFilename(e.Name())
		if err != nil || lo != hi {
			continue
		}
		if fi, err := e.Info(); err == nil {
			out = append(out, local{hi, fi.Size()})
		}
	}
	return out
}

// spare is up to where no target needs the changes. The caller holds local.
func (s *session) spare(files []local) ltx.TXID {
	ships := slices.SortedFunc(slices.Values(s.ships), func(a, b *shipper) int { return cmp.Compare(a.needsAfter(), b.needsAfter()) })
	for i, sh := range ships {
		// One that was given up itself holds nothing for the others.
		if i == len(ships)-1 || ships[i+1].needsAfter() == everything || !s.tooMuch(files, sh.needsAfter(), ships[i+1].needsAfter()) {
			return sh.needsAfter()
		}
		sh.drop()
	}
	return 0
}

// tooMuch tells that the changes after one and up to another are more than is kept for one target.
func (s *session) tooMuch(files []local, after, end ltx.TXID) bool {
	most := int64(s.keptBytes)
	if fi, err := os.Stat(s.k.cfg.File.Path()); err == nil {
		most = max(most, fi.Size())
	}
	n, bytes := 0, int64(0)
	for _, f := range files {
		if f.txid > after && f.txid <= end {
			n++
			bytes += f.size
		}
	}
	return n > s.keptChanges || bytes > most
}

// everything is what a target needs nothing of.
const everything = ltx.TXID(math.MaxUint64)

// needsAfter is the change after which the target needs all. The caller holds local.
func (s *shipper) needsAfter() ltx.TXID {
	switch {
	case s.base > 0:
		return s.base - 1
	case s.dropped:
		return everything
	}
	merged, asked := s.index.known(1)
	if !asked { // since it is away; what it has it can merge without us
		return s.sentUpTo()
	}
	full, _ := s.index.known(snapshotLevel)
	return min(max(maxTXID(merged), maxTXID(full)), s.sentUpTo())
}

// drop gives up what only this target needs.
func (s *shipper) drop() {
	if s.dropped {
		return
	}
	s.dropped = true
	s.log.Warn("a target fell too far behind; it begins anew with a full copy", "target", s.target.URL(), "at", s.sentUpTo().String())
	s.status.fellBehind(s.now())
}

// keepFromHere keeps what a full copy that begins now will be followed by, until release.
func (s *shipper) keepFromHere() (release func()) {
	pos, err := s.db.Pos()
	s.local.Lock()
	defer s.local.Unlock()
	if err == nil {
		s.base = pos.TXID
	}
	return s.based
}

func (s *shipper) based() {
	s.local.Lock()
	defer s.local.Unlock()
	s.base = 0
}

// isBased ends what drop began: a full copy took the place of what was missed.
func (s *shipper) isBased() {
	s.local.Lock()
	defer s.local.Unlock()
	if s.dropped {
		s.dropped = false
		s.status.beganAnew()
	}
}
