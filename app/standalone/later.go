package standalone

import (
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// # Scattered pages
//
// Small objects hold pages here and there, and to write them one by one, with what is between them left for later, is slower
// than all else. So pages of small objects are kept in memory, compressed as they came, until an object comes that has their
// neighbours, and are written among those. For a fetch that is to survive its end they also go behind the end of the image, as
// they are, many at once, and the notes say where; at the end that is cut off.

const (
	// laterMost is how much is kept for later in one fetch, in bytes: pages, and laterEach for each of them. What comes after
	// that is written at once.
	laterMost  = 32 << 20
	laterEach  = 64
	laterBlock = 256 << 10
)

// keepLater takes the page that was decoded to room, and came as frame, unless a newer object had it.
func (m *image) keepLater(pgno uint32, frame []byte) error {
	cost := len(frame) + laterEach
	if m.f == nil || cost > m.laterRoom {
		return m.keep(pgno)
	}
	if !m.mark(pgno) {
		return nil
	}
	m.laterRoom -= cost
	if m.block == nil || cap(m.block.buf)-len(m.block.buf) < len(frame) {
		m.endBlock()
		m.block = &slab{buf: make([]byte, 0, max(laterBlock, len(frame)))}
	}
	b := m.block
	at := len(b.buf)
	b.buf = append(b.buf, frame...)
	b.pages, b.sizes = append(b.pages, pgno), append(b.sizes, len(frame))
	m.later[pgno] = b.buf[at:]
	return nil
}

// endBlock hands over the pages that were kept last, for the notes. A slab with older ones goes before, and says no more than
// the one before it: what was read since then is in the block, too.
func (m *image) endBlock() {
	b := m.block
	if m.block = nil; b == nil || m.notes == nil {
		return
	}
	if len(m.slab.pages) > 0 {
		m.slab.upTo = m.said
		m.full <- m.slab
		m.slab = <-m.free
	}
	m.said = m.here()
	b.upTo = m.said
	m.full <- b
}

// bring writes a page that was kept to room.
func (m *image) bring(pgno uint32, frame []byte) error {
	delete(m.later, pgno)
	room := m.room()
	if n, err := lz4.UncompressBlock(frame, room); err != nil || n != len(room) {
		return wrong("page %d: %d bytes: %w", pgno, n, errors.Join(err, lz4.ErrInvalidSourceShortBuffer))
	}
	m.take(pgno)
	return nil
}

// bringAll writes what is kept still, once everything is read.
func (m *image) bringAll() error {
	for _, pgno := range slices.Sorted(maps.Keys(m.later)) {
		if err := m.bring(pgno, m.later[pgno]); err != nil {
			return err
		}
	}
	return nil
}

// writeBehind writes kept pages behind the end of the image. Where there is no room for them the fetch goes on, and is not gone
// on with.
func (m *image) writeBehind(s *slab) error {
	s.behind = m.tail
	if _, err := m.f.WriteAt(s.buf, m.size()+m.tail); err != nil {
		return errors.Join(m.notes.close(), m.f.Truncate(m.size()))
	}
	m.tail += int64(len(s.buf))
	return nil
}

// isLater tells that the pages of a line are behind the image.
func (w *written) isLater() bool { return len(w.Sizes) > 0 }

// bytesLater is how many bytes they take.
func (w *written) bytesLater() (n int64) {
	for _, size := range w.Sizes {
		n += int64(size)
	}
	return n
}

// pages calls f with each page of a line and its place in it.
func (w *written) pages(f func(i int, pgno uint32)) {
	i := 0
	for _, run := range w.Pages {
		for pgno := run[0]; pgno-run[0] < run[1]; pgno++ {
			f(i, pgno)
			i++
		}
	}
}

// waiting is, of the lines up to one, in which of them pages are that are behind the image alone.
func (r *remains) waiting(last int) map[uint32]int {
	in := map[uint32]int{}
	for i := range r.lines[:last+1] {
		line := &r.lines[i]
		line.pages(func(_ int, pgno uint32) {
			if line.isLater() {
				in[pgno] = i
			} else {
				delete(in, pgno)
			}
		})
	}
	return in
}

// content is what a line has behind the image.
func (r *remains) content(line *written, image io.ReaderAt) ([]byte, error) {
	n := line.bytesLater()
	if n < 0 || n > laterMost {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	_, err := image.ReadAt(b, int64(r.Commit)*int64(r.PageSize)+line.Behind)
	return b, err
}

// keepAgain keeps what the fetch before kept up to a line, and did not write into the image.
func (m *image) keepAgain(r *remains, last int) error {
	waiting := r.waiting(last)
	for i := range r.lines[:last+1] {
		line := &r.lines[i]
		if !line.isLater() {
			continue
		}
		m.tail = max(m.tail, line.Behind+line.bytesLater())
		if err := m.keepLine(r, i, waiting); err != nil {
			return err
		}
	}
	m.laterRoom = max(0, m.laterRoom-int(m.tail)-laterEach*len(m.later))
	return nil
}

func (m *image) keepLine(r *remains, i int, waiting map[uint32]int) error {
	line := &r.lines[i]
	var content []byte
	var err error
	at := 0
	line.pages(func(j int, pgno uint32) {
		if in, ok := waiting[pgno]; ok && in == i && err == nil {
			if content == nil {
				content, err = r.content(line, m.f)
			}
			if err == nil {
				m.later[pgno] = content[at : at+line.Sizes[j]]
			}
		}
		at += line.Sizes[j]
	})
	return err
}
