package standalone

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"

	"github.com/superfly/ltx"
)

// # Stamps
//
// An LTX object says which transactions it holds and has a checksum over itself, but nothing in it ties it to the
// objects before and after: put one machine's object in the place of another's of the same name, and every check of
// the format still passes. So each object is stamped as it goes up: the header's NodeID, which Litestream leaves zero,
// becomes the machine's own number. The checksum covers it, and stays right without reading the pages again, because
// a CRC is linear: the checksum of the changed object is that of the original xor that of the change alone, moved to
// its distance from the end.

const nodeIDOffset = 72

// nodeID is a machine's own number, never zero.
func nodeID(machine string) uint64 {
	sum := sha256.Sum256([]byte("coditect-sync machine " + machine))
	return binary.BigEndian.Uint64(sum[:]) | 1
}

// errSource is what is wrong with an object before it went up: its source ends early or makes no sense.
var errSource = errors.New("not a whole LTX object")

// fromSource tells a source that just ends from one that could not be read.
func fromSource(what string, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // wrapped, it is the end of something else
		return fmt.Errorf("%w: it ends in its %s", errSource, what)
	}
	return err
}

// stamp copies one LTX object from r to w with its NodeID set. An object that already has one, or whose pages are in
// the old frame format, is copied as it is.
func stamp(w io.Writer, r *bufio.Reader, id uint64) error {
	header := make([]byte, ltx.HeaderSize)
	if _, err := io.ReadFull(r, header); err != nil {
		return fromSource("header", err)
	}
	var hdr ltx.Header
	if err := hdr.UnmarshalBinary(header); err != nil {
		return fmt.Errorf("%w: %w", errSource, err)
	}
	first, err := r.Peek(ltx.PageHeaderSize)
	if err != nil {
		return fromSource("first page", err)
	}
	if hdr.NodeID != 0 || (first[5]&byte(ltx.PageHeaderFlagSize) == 0 && [6]byte(first) != [6]byte{}) {
		if _, err := w.Write(header); err != nil {
			return err
		}
		_, err := io.Copy(w, r)
		return err
	}
	binary.BigEndian.PutUint64(header[nodeIDOffset:], id)
	if _, err := w.Write(header); err != nil {
		return err
	}
	return stampRest(w, r, hdr.PageSize, id)
}

func stampRest(w io.Writer, r *bufio.Reader, pageSize uint32, id uint64) error {
	hashed, err := copyPages(w, r, pageSize)
	if err != nil {
		return err
	}
	index, end, err := copyIndex(w, r)
	if err != nil {
		return err
	}
	hashed += ltx.HeaderSize - nodeIDOffset - 8 + index + int64(len(end)) - ltx.ChecksumSize
	var change [8]byte
	binary.BigEndian.PutUint64(change[:], id)
	sum := end[len(end)-ltx.ChecksumSize:]
	now := binary.BigEndian.Uint64(sum) ^ crcShift(crcRaw(change[:]), hashed)
	binary.BigEndian.PutUint64(sum, now|uint64(ltx.ChecksumFlag))
	_, err = w.Write(end[:])
	return err
}

// copyPages copies the page frames with their end mark and returns how many bytes the checksum counts for them: pages
// count as they are uncompressed.
func copyPages(w io.Writer, r *bufio.Reader, pageSize uint32) (hashed int64, err error) {
	const frameHeader = ltx.PageHeaderSize + 4
	for {
		head, err := r.Peek(ltx.PageHeaderSize)
		if err != nil {
			return 0, fromSource("pages", err)
		}
		if [6]byte(head) == [6]byte{} {
			return hashed + ltx.PageHeaderSize, pass(w, r, ltx.PageHeaderSize)
		}
		if head, err = r.Peek(frameHeader); err != nil {
			return 0, fromSource("pages", err)
		}
		if err := pass(w, r, frameHeader+int(binary.BigEndian.Uint32(head[ltx.PageHeaderSize:]))); err != nil {
			return 0, err
		}
		hashed += frameHeader + int64(pageSize)
	}
}

// pass copies n bytes, a buffer at a time.
func pass(w io.Writer, r *bufio.Reader, n int) error {
	for n > 0 {
		b, err := r.Peek(min(n, r.Size()))
		if err != nil {
			return fromSource("pages", err)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		n -= len(b)
		if _, err := r.Discard(len(b)); err != nil {
			return err
		}
	}
	return nil
}

// ending is what an object ends with: the size of the index, and the trailer.
type ending [8 + ltx.TrailerSize]byte

// copyIndex copies the index and returns its size and what comes after it.
func copyIndex(w io.Writer, r *bufio.Reader) (n int64, end ending, err error) {
	for {
		b, err := r.Peek(r.Size())
		if err != nil && err != io.EOF {
			return n, end, err
		}
		keep := len(b) - len(end)
		if keep < 0 {
			return n, end, fromSource("trailer", io.ErrUnexpectedEOF)
		}
		if _, err := w.Write(b[:keep]); err != nil {
			return n, end, err
		}
		n += int64(keep)
		if err == io.EOF {
			end = ending(b[keep:])
			return n, end, checkIndex(n, end)
		}
		if _, err := r.Discard(keep); err != nil {
			return n, end, err
		}
	}
}

func checkIndex(n int64, end ending) error {
	if size := binary.BigEndian.Uint64(end[:]); size != uint64(n) {
		return fmt.Errorf("%w: an index of %d bytes where it says %d", errSource, n, size)
	}
	return nil
}

// crcRaw is the CRC-64 of p alone: without the inversions before and after that make a checksum of it.
func crcRaw(p []byte) uint64 {
	return ^crc64.Update(^uint64(0), crc64.MakeTable(crc64.ISO), p)
}

// crcShift is the raw CRC after n more zero bytes: crc · x^(8n) in the field of the polynomial, where the highest bit
// stands for x^0.
func crcShift(crc uint64, n int64) uint64 {
	const one, x8 = uint64(1) << 63, uint64(1) << 55
	power, square := one, x8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			power = crcMul(power, square)
		}
		square = crcMul(square, square)
	}
	return crcMul(crc, power)
}

func crcMul(a, b uint64) (product uint64) {
	for ; a != 0; a <<= 1 {
		if a>>63 != 0 {
			product ^= b
		}
		low := b & 1
		if b >>= 1; low != 0 {
			b ^= crc64.ISO
		}
	}
	return product
}
