package standalone

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"slices"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// A change that holds the whole of a large file, because nothing proves that a smaller one would follow, takes minutes to
// send on a slow way; and while it is sent, other programs may give reason for the next. So the pages that are as in the
// change before are left out of it: what is restored is the same. That takes the hash of every page, which are gathered when
// the first such change comes and kept up from then on: 2 MB for a file of 1 GB.

// slimPages is the largest file whose page hashes are kept: of 32 GB with the usual pages.
const slimPages = 8 << 20

// pageHashes are the hashes of all pages as of a change.
type pageHashes struct {
	txid ltx.TXID
	seed maphash.Seed
	sums []uint64 // by page number - 1; 0 of the page that SQLite never uses
}

// slim leaves out of the newest changes that hold the whole file what they need not hold. The caller holds capturing.
func (s *session) slim(end ltx.TXID) {
	if s.slimPages == 0 || s.whole == 0 && s.hashes == nil {
		return
	}
	if s.hashes == nil {
		s.hashes = &pageHashes{seed: maphash.MakeSeed(), txid: s.baseOf(s.whole) - 1}
	}
	if err := s.followPages(end); err != nil {
		s.log.Info("page hashes given up", "error", err)
		s.hashes = nil
	}
	s.whole = 0
}

// baseOf finds the change from which on every change is here and which holds the whole file: the one before, else itself.
func (s *session) baseOf(whole ltx.TXID) ltx.TXID {
	for txid := whole - 1; txid > 0 && s.sizes(txid) > 0; txid-- {
		if holdsWhole(s.db.LTXPath(0, txid, txid)) {
			return txid
		}
	}
	return whole
}

// followPages reads the changes that came since, and makes those smaller that hold the whole file.
func (s *session) followPages(end ltx.TXID) error {
	for txid := s.hashes.txid + 1; txid <= end; txid++ {
		path := s.db.LTXPath(0, txid, txid)
		known := len(s.hashes.sums) > 0
		if !known || s.sizes(txid) < largeChange || !holdsWhole(path) {
			if err := s.hashes.read(path); err != nil {
				return err
			}
		} else if err := s.leaveOut(txid, path); err != nil {
			return err
		}
		if len(s.hashes.sums) > s.slimPages {
			return errors.New("the file is too large")
		}
		s.hashes.txid = txid
	}
	return nil
}

// leaveOut writes a change anew with the pages that differ. One that is being sent, or has been, stays as it is.
func (s *session) leaveOut(txid ltx.TXID, path string) error {
	if s.isSent(txid) {
		return s.hashes.read(path)
	}
	keep, err := s.lastFramePage(path)
	if err != nil {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	before := s.sizes(txid)
	err = replaceFileIf(path, func(w io.Writer) error {
		out := bufio.NewWriterSize(w, rewriteBuffer)
		err := s.hashes.differing(bufio.NewReaderSize(in, rewriteBuffer), out, keep)
		return errors.Join(err, out.Flush())
	}, func(rename func() error) error {
		s.local.Lock()
		defer s.local.Unlock()
		if s.isSentLocked(txid) {
			return nil
		}
		return rename()
	})
	if err == nil {
		s.log.Info("a change that held the whole file was made smaller", "txid", txid.String(), "from", before, "to", s.sizes(txid))
	}
	return err
}

func (s *session) isSent(txid ltx.TXID) bool {
	s.local.Lock()
	defer s.local.Unlock()
	return s.isSentLocked(txid)
}

// isSentLocked tells that a target has the change, or is being sent it. The caller holds local.
func (s *session) isSentLocked(txid ltx.TXID) bool {
	return slices.ContainsFunc(s.ships, func(sh *shipper) bool { return sh.sending == txid || sh.sentUpTo() >= txid })
}

// lastFramePage is the page of the last frame of the log that a change has, 0 if it has none: Litestream looks for that page
// in the change to see whether the log is still the same.
func (s *session) lastFramePage(path string) (uint32, error) {
	h, err := changeHeader(path)
	if err != nil {
		return 0, err
	}
	at := h.WALOffset + h.WALSize - int64(h.PageSize) - litestream.WALFrameHeaderSize
	if at < litestream.WALHeaderSize {
		return 0, nil
	}
	f, err := os.Open(s.db.WALPath())
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	pgno := make([]byte, 4)
	if _, err := f.ReadAt(pgno, at); errors.Is(err, io.EOF) {
		return 0, nil // it was begun anew, and the next change is a large one again
	} else if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(pgno), nil
}

// read takes over what a change says.
func (p *pageHashes) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	dec := ltx.NewDecoder(bufio.NewReaderSize(f, rewriteBuffer))
	if err := dec.DecodeHeader(); err != nil {
		return err
	}
	return p.pages(dec, nil)
}

// differing writes a change with the pages that differ from what is known, and keep.
func (p *pageHashes) differing(r io.Reader, w io.Writer, keep uint32) error {
	dec := ltx.NewDecoder(r)
	if err := dec.DecodeHeader(); err != nil {
		return err
	}
	enc, err := ltx.NewEncoder(w)
	if err != nil {
		return err
	}
	if err := enc.EncodeHeader(dec.Header()); err != nil {
		return err
	}
	err = p.pages(dec, func(pgno uint32, page []byte, same bool) error {
		if same && pgno != keep {
			return nil
		}
		return enc.EncodePage(ltx.PageHeader{Pgno: pgno}, page)
	})
	if err != nil {
		return err
	}
	enc.SetPostApplyChecksum(dec.Trailer().PostApplyChecksum)
	return enc.Close()
}

// pages hashes the pages of a change whose header is read, and says of each whether it is as before.
func (p *pageHashes) pages(dec *ltx.Decoder, each func(pgno uint32, page []byte, same bool) error) error {
	h := dec.Header()
	p.resize(int(h.Commit))
	page := make([]byte, h.PageSize)
	for {
		var ph ltx.PageHeader
		err := dec.DecodePage(&ph, page)
		if errors.Is(err, io.EOF) {
			return dec.Close()
		}
		if err != nil {
			return err
		}
		if int(ph.Pgno) > len(p.sums) {
			continue // beyond the end of the file as it is afterwards
		}
		sum := max(maphash.Bytes(p.seed, page), 1)
		same := p.sums[ph.Pgno-1] == sum
		p.sums[ph.Pgno-1] = sum
		if each != nil {
			if err := each(ph.Pgno, page, same); err != nil {
				return err
			}
		}
	}
}

// resize forgets pages that the file has no more: if it grows again, they are others.
func (p *pageHashes) resize(pages int) {
	if pages <= len(p.sums) {
		p.sums = p.sums[:pages]
		return
	}
	for len(p.sums) < pages {
		p.sums = append(p.sums, 0)
	}
}
