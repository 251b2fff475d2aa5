package standalone

import (
	"context"
	"errors"
	"math/bits"
	"os"
	"sync"
)

const (
	// slabBytes is how many bytes of pages are written at once.
	slabBytes = 1 << 20
	slabCount = 4
)

// slab is a piece of decoded pages on its way to the disk.
type slab struct {
	buf   []byte
	pages []uint32 // their numbers, in order
	upTo  place    // what is in the image once this is written

	sizes  []int // of pages that are kept for later: what each takes
	behind int64 // and where they are behind the image
}

// image is a database file in the making. Pages are put into it newest first, so a page is written once and every
// older one of the same number passed over.
type image struct {
	f        *os.File // nil: only check
	pageSize int
	commit   uint32 // pages of the database
	lock     uint32 // the page that SQLite never uses
	have     []uint64
	filled   uint32

	slab *slab
	free chan *slab
	full chan *slab
	wg   sync.WaitGroup
	err  error // of writing; read it after finish
	stop context.CancelFunc

	// Where a fetch that is interrupted may go on, notes says what is written, and here is how far reading has come.
	notes *notes
	here  func() place
	said  place // of what was handed over last

	later     map[uint32][]byte // pages that are kept, compressed
	laterRoom int
	block     *slab // the last of them
	tail      int64 // how much is behind the image
}

// newImage starts the writer. stop is called when it fails.
func newImage(f *os.File, pageSize, commit, lock uint32, stop context.CancelFunc) (*image, error) {
	m := &image{
		f: f, pageSize: int(pageSize), commit: commit, lock: lock, have: make([]uint64, commit/64+1), stop: stop,
		free: make(chan *slab, slabCount), full: make(chan *slab, slabCount),
		later: map[uint32][]byte{},
	}
	for range slabCount {
		m.free <- &slab{buf: make([]byte, 0, max(slabBytes, m.pageSize))}
	}
	m.slab = <-m.free
	if f != nil {
		if err := m.grow(); err != nil {
			return nil, err
		}
		reserve(f, m.size())
	}
	m.wg.Go(m.write)
	return m, nil
}

// size is how many bytes the database has.
func (m *image) size() int64 { return int64(m.commit) * int64(m.pageSize) }

// grow makes the file as large as the database. What an earlier fetch left behind its end stays.
func (m *image) grow() error {
	fi, err := m.f.Stat()
	if err != nil || fi.Size() >= m.size() {
		return err
	}
	return m.f.Truncate(m.size())
}

// room returns where the next page is to be decoded to.
func (m *image) room() []byte {
	if cap(m.slab.buf)-len(m.slab.buf) < m.pageSize {
		m.handOver()
		m.slab = <-m.free
	}
	n := len(m.slab.buf)
	return m.slab.buf[n : n+m.pageSize]
}

func (m *image) handOver() {
	if m.notes != nil {
		if b := m.block; b != nil { // what was read since then is in the slab, too
			m.block, b.upTo = nil, m.said
			m.full <- b
		}
		m.said = m.here()
		m.slab.upTo = m.said
	}
	m.full <- m.slab
}

// keep takes the page that was decoded to room, unless a newer object had it or the file has become shorter. Where the newer one
// was kept for later, that is written in its place.
func (m *image) keep(pgno uint32) error {
	if m.mark(pgno) {
		m.take(pgno)
		return nil
	}
	frame, ok := m.later[pgno]
	if !ok {
		return nil
	}
	return m.bring(pgno, frame)
}

// take has the page in room written.
func (m *image) take(pgno uint32) {
	if m.f == nil {
		return
	}
	m.slab.buf = m.slab.buf[:len(m.slab.buf)+m.pageSize]
	m.slab.pages = append(m.slab.pages, pgno)
}

// mark takes note that a page is there. It tells whether that is new, and a page of the database at all.
func (m *image) mark(pgno uint32) bool {
	word, bit := pgno/64, uint64(1)<<(pgno%64)
	if pgno > m.commit || m.have[word]&bit != 0 {
		return false
	}
	m.have[word] |= bit
	m.filled++
	return true
}

// missing is the first page that no object had, 0 when there is none.
func (m *image) missing() uint32 {
	want := m.commit
	if m.lock <= m.commit {
		want--
	}
	if m.filled == want {
		return 0
	}
	for word, b := range m.have {
		for free := ^b; free != 0; free &= free - 1 {
			pgno := uint32(word*64 + bits.TrailingZeros64(free))
			if pgno != 0 && pgno != m.lock {
				return pgno
			}
		}
	}
	return 0
}

// complete waits until everything is written, and cuts off what is behind the image.
func (m *image) complete() error {
	err := m.bringAll()
	if err = errors.Join(err, m.finish()); err != nil || m.f == nil {
		return err
	}
	return m.f.Truncate(m.size())
}

// finish waits until all that was handed over is written.
func (m *image) finish() error {
	if m.slab != nil {
		m.handOver()
		m.slab = nil
		close(m.full)
	}
	m.wg.Wait()
	return m.err
}

func (m *image) write() {
	for s := range m.full {
		if m.err == nil {
			if m.err = m.writeOut(s); m.err != nil {
				m.stop()
			}
		}
		if len(s.sizes) > 0 {
			continue // its pages are looked at until they are written
		}
		s.buf, s.pages = s.buf[:0], s.pages[:0]
		m.free <- s
	}
}

func (m *image) writeOut(s *slab) error {
	write := m.writeSlab
	if len(s.sizes) > 0 {
		write = m.writeBehind
	}
	if err := write(s); err != nil || m.notes == nil {
		return err
	}
	return m.notes.add(s)
}

// writeSlab writes neighbouring pages in one call.
func (m *image) writeSlab(s *slab) error {
	for i := 0; i < len(s.pages); {
		j := i + 1
		for j < len(s.pages) && s.pages[j] == s.pages[j-1]+1 {
			j++
		}
		at := int64(s.pages[i]-1) * int64(m.pageSize)
		if _, err := m.f.WriteAt(s.buf[i*m.pageSize:j*m.pageSize], at); err != nil {
			return err
		}
		i = j
	}
	m.toDisk(s)
	return nil
}

// sparsePart is how much of a stretch of the file a slab may leave out for it to go to the disk at once: what is left out was
// written before, from newer objects.
const sparsePart = 8

// toDisk has the stretch of the file that a slab fills go to the disk, so that the end need not wait for all of it. Pages that
// lie scattered are left until their neighbours come.
func (m *image) toDisk(s *slab) {
	if len(s.pages) == 0 {
		return
	}
	first, last := s.pages[0], s.pages[len(s.pages)-1]
	if n := (int64(last) - int64(first) + 1) * int64(m.pageSize); n >= slabBytes/2 && n <= int64(sparsePart*len(s.buf)) {
		startWriteback(m.f, int64(first-1)*int64(m.pageSize), n)
	}
}
