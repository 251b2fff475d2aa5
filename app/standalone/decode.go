package standalone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"

	"github.com/pierrec/lz4/v4"
	"github.com/superfly/ltx"
)

// # Decoding
//
// The ltx package has a decoder. This one checks the same and more, and is there for three reasons: it cannot be made
// to crash or to reserve gigabytes by a damaged object, it needs no memory per page, and it is several times faster,
// because it decompresses from the read buffer straight into the write buffer.

// decoder reads one LTX object.
type decoder struct {
	w      *window
	hdr    ltx.Header
	sum    uint64
	table  *crc64.Table
	pages  *pageSum
	before uint32 // the page before
	frame  []byte // the last page as it came, compressed, until the next is asked for
	n      int64  // bytes read
}

// spot is a place between two pages of an object, and what a decoder must know to go on from it.
type spot struct {
	At     int64  `json:"at"`
	Sum    uint64 `json:"crc"`
	Before uint32 `json:"before"`
}

func (d *decoder) spot() spot { return spot{d.n, d.sum, d.before} }

// goOn makes a new decoder, over the object from a place on, the one that had read up to it.
func (d *decoder) goOn(p *part) error {
	d.table = crc64.MakeTable(crc64.ISO)
	d.n, d.sum, d.before = p.At, p.Sum, p.Before
	return d.hdr.UnmarshalBinary(p.Header)
}

// What is said of a damaged object.
const (
	isEmpty     = "is empty"
	isTruncated = "is truncated"
	isWrong     = "is damaged"
	isMisplaced = "holds other changes than its name says"
	isForeign   = "was written by another machine"
	isMissing   = "is missing"
)

var errOldFormat = errors.New("pages in the frame format of older versions")

// decodeError is a fault of an object's content, as against a failure to read it.
type decodeError struct {
	what string
	err  error
}

func (e *decodeError) Error() string { return e.what + ": " + e.err.Error() }
func (e *decodeError) Unwrap() error { return e.err }

func wrong(format string, args ...any) error {
	return &decodeError{isWrong, fmt.Errorf(format, args...)}
}

// peek returns the next n bytes. An end of the object before them is damage, anything else a failure to read.
func (d *decoder) peek(n int) ([]byte, error) {
	b, err := d.w.peek(n)
	if errors.Is(err, io.EOF) {
		return nil, &decodeError{isTruncated, fmt.Errorf("ends after %d bytes", d.n+int64(len(b)))}
	}
	return b, err
}

func (d *decoder) skip(n int) {
	d.w.skip(n)
	d.n += int64(n)
}

func (d *decoder) hash(b []byte) { d.sum = crc64.Update(d.sum, d.table, b) }

// header reads the header and holds it against the object's name.
func (d *decoder) header(f *ltx.FileInfo) error {
	d.table = crc64.MakeTable(crc64.ISO)
	b, err := d.peek(ltx.HeaderSize)
	if err != nil {
		return err
	}
	if err := d.hdr.UnmarshalBinary(b); err != nil {
		return &decodeError{isWrong, err}
	}
	if err := d.hdr.Validate(); err != nil {
		return &decodeError{isWrong, err}
	}
	if d.hdr.MinTXID != f.MinTXID || d.hdr.MaxTXID != f.MaxTXID {
		return &decodeError{isMisplaced, fmt.Errorf("%s", ltx.FormatFilename(d.hdr.MinTXID, d.hdr.MaxTXID))}
	}
	d.hash(b)
	d.skip(ltx.HeaderSize)
	return nil
}

// page reads the next page into dst, which has the page size, and returns its number; 0 after the last. It needs pages.
func (d *decoder) page(dst []byte) (uint32, error) {
	const head = ltx.PageHeaderSize + 4
	b, err := d.peek(ltx.PageHeaderSize)
	if err != nil {
		return 0, err
	}
	pgno, flags := binary.BigEndian.Uint32(b), binary.BigEndian.Uint16(b[4:])
	if pgno == 0 && flags == 0 {
		d.hash(b)
		d.skip(ltx.PageHeaderSize)
		return 0, nil
	}
	if err := d.checkPage(pgno, flags); err != nil {
		return 0, err
	}
	if b, err = d.peek(head); err != nil {
		return 0, err
	}
	d.hash(b)
	size := int64(binary.BigEndian.Uint32(b[ltx.PageHeaderSize:]))
	if size == 0 || size > int64(lz4.CompressBlockBound(len(dst))) {
		return 0, wrong("page %d: %d compressed bytes", pgno, size)
	}
	if b, err = d.peek(head + int(size)); err != nil {
		return 0, err
	}
	d.frame = b[head:]
	if n, err := lz4.UncompressBlock(d.frame, dst); err != nil || n != len(dst) {
		return 0, wrong("page %d: %d bytes: %w", pgno, n, errors.Join(err, lz4.ErrInvalidSourceShortBuffer))
	}
	d.sum = d.pages.update(d.sum, dst)
	d.skip(head + int(size))
	return pgno, nil
}

func (d *decoder) checkPage(pgno uint32, flags uint16) error {
	switch {
	case flags == 0:
		return &decodeError{isWrong, errOldFormat}
	case flags != ltx.PageHeaderFlagSize:
		return wrong("page %d: unknown flags %#x", pgno, flags)
	case pgno <= d.before, pgno > d.hdr.Commit, pgno == d.hdr.LockPgno():
		return wrong("page %d after %d of %d", pgno, d.before, d.hdr.Commit)
	}
	d.before = pgno
	return nil
}

// tailPiece is how much of the index is looked at at a time.
const tailPiece = 64 << 10

// end reads the index and the trailer and compares the checksum of it all.
func (d *decoder) end() error {
	for {
		b, err := d.w.peek(tailPiece)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(b) < ltx.TrailerSize {
			return &decodeError{isTruncated, fmt.Errorf("ends after %d bytes", d.n+int64(len(b)))}
		}
		keep := ltx.ChecksumSize
		d.hash(b[:len(b)-keep])
		if err == nil {
			d.skip(len(b) - keep)
			continue
		}
		d.n += int64(len(b))
		return d.compare(binary.BigEndian.Uint64(b[len(b)-keep:]))
	}
}

func (d *decoder) compare(sum uint64) error {
	if got := d.sum | uint64(ltx.ChecksumFlag); got != sum {
		return wrong("checksum %016x, not %016x", got, sum)
	}
	return nil
}
