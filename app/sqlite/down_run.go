package sqlite

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// run is a file of operations, sorted by row. It is a cache: whatever is wrong with it, the server sends it again.
//
// It consists of blocks (length, CRC-32C, records), a block that says from where to where each bucket came, and the place of
// that block.
type run struct {
	path string
	ops  int64
	live map[int64]*downBucket // the buckets whose operations count
}

// runFooter is the last block.
type runFooter struct {
	Ops     int64       `json:"ops"`
	Buckets []runBucket `json:"buckets"`
}

type runBucket struct {
	ID   int64            `json:"id"`
	From powersync.Bucket `json:"from"`
	To   powersync.Bucket `json:"to"`
}

const (
	runBlock = 32 << 10
	runMagic = 0x43445331 // "CDS1"
	// runMax bounds a block: a row of the greatest size fits.
	runMax = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errTorn = errors.New("a file of downloaded operations is not whole")

// spoolDir is the folder of the files.
func spoolDir(path string) string { return path + "-download" }

// spill writes what is in memory to a file and forgets it there.
func (s *spool) spill(buckets map[string]*downBucket) error {
	if len(s.ops) == 0 {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	s.sort()
	r := &run{path: filepath.Join(s.dir, fmt.Sprintf("%08d.run", s.next)), ops: int64(len(s.ops)), live: map[int64]*downBucket{}}
	footer := runFooter{Ops: r.ops}
	for _, b := range buckets {
		if b.dirty && b.id != 0 {
			footer.Buckets = append(footer.Buckets, runBucket{b.id, b.base, b.Bucket})
			r.live[b.id] = b
		}
	}
	if err := writeRun(r.path, s.ops, footer); err != nil {
		return err
	}
	for _, b := range r.live {
		b.base = b.Bucket
	}
	s.runs, s.next = append(s.runs, r), s.next+1
	clear(s.ops) // or it holds the texts
	s.ops, s.chunk, s.bytes = s.ops[:0], nil, 0
	return nil
}

// writeRun leaves a whole file or none, unless the power fails: then it may be torn, which is found out, and what was in it
// comes again.
func writeRun(path string, ops []staged, footer runFooter) (err error) {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := runWriter{w: bufio.NewWriterSize(file, 4*runBlock)}
	for i := range ops {
		w.add(&ops[i])
	}
	err = errors.Join(w.end(footer), file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return os.Rename(path+".new", path)
}

type runWriter struct {
	w     *bufio.Writer
	block []byte
	at    int64
	err   error
}

func (w *runWriter) add(o *staged) {
	b := binary.AppendUvarint(w.block, uint64(o.table))
	b = append(b, byte(o.kind))
	b = binary.AppendUvarint(b, uint64(o.bucket.id))
	b = binary.AppendVarint(b, o.op)
	b = binary.LittleEndian.AppendUint32(b, o.sum)
	b = binary.LittleEndian.AppendUint32(b, o.subkey)
	b = append(binary.AppendUvarint(b, uint64(len(o.key))), o.key...)
	w.block = append(binary.AppendUvarint(b, uint64(len(o.doc))), o.doc...)
	if len(w.block) >= runBlock {
		w.flush()
	}
}

func (w *runWriter) flush() {
	if len(w.block) == 0 || w.err != nil {
		return
	}
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(w.block)))
	binary.LittleEndian.PutUint32(head[4:], crc32.Checksum(w.block, castagnoli))
	_, err := w.w.Write(head[:])
	_, err2 := w.w.Write(w.block)
	w.err = errors.Join(err, err2)
	w.at += int64(len(head) + len(w.block))
	w.block = w.block[:0]
}

func (w *runWriter) end(footer runFooter) error {
	w.flush()
	place := w.at
	text, err := json.Marshal(footer)
	w.block = append(w.block, text...)
	w.flush()
	var tail [12]byte
	binary.LittleEndian.PutUint64(tail[:], uint64(place))
	binary.LittleEndian.PutUint32(tail[8:], runMagic)
	_, err2 := w.w.Write(tail[:])
	return errors.Join(err, w.err, err2, w.w.Flush())
}

// open takes up the files that an earlier run of the program left, as far as they go on from what the file has. Others are
// removed.
func (s *spool) open(path string, d *download) error {
	s.dir, s.next = spoolDir(path), 1
	names, err := filepath.Glob(filepath.Join(escapeGlob(s.dir), "*"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		r, err := openRun(name, d)
		if err != nil || len(r.live) == 0 {
			if err := os.Remove(name); err != nil {
				return classify("pull", name, err)
			}
			continue
		}
		s.runs = append(s.runs, r)
		if _, err := fmt.Sscanf(filepath.Base(name), "%d.run", &s.next); err != nil {
			return err
		}
		s.next++
	}
	return s.sweep()
}

// openRun reads the last block. A bucket counts when it goes on with the number and the checksum that the file has: then it
// has the same content.
func openRun(path string, d *download) (*run, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	footer, err := readFooter(file)
	if err = errors.Join(err, file.Close()); err != nil || filepath.Ext(path) != ".run" {
		return nil, errors.Join(err, errTorn)
	}
	r := &run{path: path, ops: footer.Ops, live: map[int64]*downBucket{}}
	for _, f := range footer.Buckets {
		b := d.byID[f.ID]
		if b == nil || b.Name != f.To.Name || b.Checksum != f.From.Checksum {
			continue
		}
		b.Bucket, b.base, b.dirty = f.To, f.To, true
		r.live[f.ID] = b
	}
	return r, nil
}

func readFooter(file *os.File) (footer runFooter, err error) {
	end, err := file.Seek(-12, io.SeekEnd)
	if err != nil {
		return footer, errTorn
	}
	var tail [12]byte
	if _, err := io.ReadFull(file, tail[:]); err != nil || binary.LittleEndian.Uint32(tail[8:]) != runMagic {
		return footer, errTorn
	}
	place := int64(binary.LittleEndian.Uint64(tail[:]))
	if place < 0 || place > end {
		return footer, errTorn
	}
	block, err := readBlock(io.NewSectionReader(file, place, end-place))
	if err != nil {
		return footer, errTorn
	}
	err = json.Unmarshal(block, &footer)
	return footer, err
}

// readBlock returns the next block; io.EOF behind the last one.
func readBlock(r io.Reader) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > runMax {
		return nil, errTorn
	}
	block := make([]byte, n)
	if _, err := io.ReadFull(r, block); err != nil || crc32.Checksum(block, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, errTorn
	}
	return block, nil
}

// escapeGlob makes a path match itself alone.
func escapeGlob(path string) string {
	var b []byte
	for i := range len(path) {
		if c := path[i]; c == '*' || c == '?' || c == '[' {
			b = append(b, '[', c, ']')
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// sweep removes files of which nothing counts, and the folder when it is empty.
func (s *spool) sweep() error {
	var errs []error
	s.runs = slices.DeleteFunc(s.runs, func(r *run) bool {
		if len(r.live) > 0 {
			return false
		}
		errs = append(errs, removeIfThere(r.path))
		return true
	})
	if len(s.runs) == 0 && s.dir != "" {
		_ = os.Remove(s.dir) // it is not there, or something else is in it
	}
	return errors.Join(errs...)
}

// close forgets the spool; its files stay.
func (s *spool) close() { s.ops, s.runs = nil, nil }

// discard removes every file: what was in them comes again.
func (s *spool) discard() {
	for _, r := range s.runs {
		clear(r.live)
	}
	_ = s.sweep() // a file that stays is looked at again, and found torn
}
