package standalone

import (
	"encoding/binary"
	"hash/crc64"
	"math/bits"
)

// # Checksums
//
// An object's checksum, CRC-64 ISO, covers its pages as they are in the database, and computing it is most of what a restore
// computes. Each step waits for the one before, so a page is taken as sumLanes pieces whose sums are computed side by side
// and then put together: a sum that is carried over n bytes is that sum, by a table, and the sum of the n bytes alone.

// sumLanes is how many pieces of a page are summed at once.
const sumLanes = 4

// sumTable has, for each byte of a sum by its place, what becomes of it.
type sumTable [8][256]uint64

func (t *sumTable) of(sum uint64) uint64 {
	return t[0][byte(sum)] ^ t[1][byte(sum>>8)] ^ t[2][byte(sum>>16)] ^ t[3][byte(sum>>24)] ^
		t[4][byte(sum>>32)] ^ t[5][byte(sum>>40)] ^ t[6][byte(sum>>48)] ^ t[7][byte(sum>>56)]
}

// over8 carries a sum over eight bytes: it is multiplied by x⁶⁴, which modulo the polynomial, x⁶⁴ + x⁴ + x³ + x + 1, is
// x⁴ + x³ + x + 1, or (x + 1)(x³ + 1). The lowest bit is the highest power, so to multiply by x is to rotate to the right, but
// for what comes round: that stands for x⁶⁴ and more, and is off by what is in the table. Tables for all of it are slower.
func over8(sum uint64) uint64 {
	once := sum ^ bits.RotateLeft64(sum, -1)
	return once ^ bits.RotateLeft64(once, -3) ^ cameRound[sum&15]
}

var cameRound = func() (off [16]uint64) {
	for low := range uint64(16) {
		came := low<<63 ^ low<<61 ^ low<<60
		off[low] = came>>1 ^ came>>3 ^ came>>4
	}
	return off
}()

// pageSum sums pages of one size.
type pageSum struct {
	piece int      // bytes
	carry sumTable // over a piece
}

// newPageSum is for pages of a size that is a multiple of 8 × sumLanes bytes, as every page size is.
func newPageSum(pageSize uint32) *pageSum {
	s := &pageSum{piece: int(pageSize) / sumLanes}
	zeros := make([]byte, s.piece)
	s.carry.fill(zeros)
	return s
}

// fill makes the table for a sum that is carried over zeros. The sums of two bits are the sum of both, so each bit is carried
// once.
func (t *sumTable) fill(zeros []byte) {
	iso := crc64.MakeTable(crc64.ISO)
	for place := range t {
		for bit := range 8 {
			one := ^crc64.Update(^(uint64(1) << (8*place + bit)), iso, zeros)
			for low := range 1 << bit {
				t[place][1<<bit|low] = t[place][low] ^ one
			}
		}
	}
}

// update is crc64.Update with a page.
func (s *pageSum) update(sum uint64, page []byte) uint64 {
	n := s.piece
	a, b, c, d := page[:n], page[n:2*n], page[2*n:3*n], page[3*n:4*n]
	u, v, w, x := ^sum, uint64(0), uint64(0), uint64(0)
	for len(a) >= 8 && len(b) >= 8 && len(c) >= 8 && len(d) >= 8 {
		u = over8(u ^ binary.LittleEndian.Uint64(a))
		v = over8(v ^ binary.LittleEndian.Uint64(b))
		w = over8(w ^ binary.LittleEndian.Uint64(c))
		x = over8(x ^ binary.LittleEndian.Uint64(d))
		a, b, c, d = a[8:], b[8:], c[8:], d[8:]
	}
	for _, piece := range [...]uint64{v, w, x} {
		u = s.carry.of(u) ^ piece
	}
	return ^u
}
