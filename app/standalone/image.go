package standalone

import (
	"context"
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
}

// newImage starts the writer. stop is called when it fails.
func newImage(f *os.File, pageSize, commit, lock uint32, stop context.CancelFunc) (*image, error) {
	m := &image{
		f: f, pageSize: int(pageSize), commit: commit, lock: lock, have: make([]uint64, commit/64+1), stop: stop,
		free: make(chan *slab, slabCount), full: make(chan *slab, slabCount),
	}
	for range slabCount {
		m.free <- &slab{buf: make([]byte, 0, max(slabBytes, m.pageSize))}
	}
	m.slab = <-m.free
	if f != nil {
		if err := f.Truncate(int64(commit) * int64(pageSize)); err != nil {
			return nil, err
		}
		reserve(f, int64(commit)*int64(pageSize))
	}
	m.wg.Go(m.write)
	return m, nil
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
		m.slab.upTo = m.here()
	}
	m.full <- m.slab
}

// keep takes the page that was decoded to room, unless a newer object had it or the file has become shorter.
func (m *image) keep(pgno uint32) {
	if !m.mark(pgno) || m.f == nil {
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

// finish waits until everything is written.
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
			if m.err = m.writeSlab(s); m.err == nil && m.notes != nil {
				m.err = m.notes.add(s)
			}
			if m.err != nil {
				m.stop()
			}
		}
		s.buf, s.pages = s.buf[:0], s.pages[:0]
		m.free <- s
	}
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
