package sqlite

import (
	"encoding/binary"
	"math/bits"
)

// hashText is PostgreSQL's hashtextextended(text, 0): Jenkins' lookup3 with a 64-bit result, as little-endian machines
// compute it.
func hashText(k []byte) uint64 {
	a := 0x9e3779b9 + uint32(len(k)) + 3923095
	b, c := a, a
	for len(k) >= 12 {
		a += binary.LittleEndian.Uint32(k)
		b += binary.LittleEndian.Uint32(k[4:])
		c += binary.LittleEndian.Uint32(k[8:])
		a, b, c = mix(a, b, c)
		k = k[12:]
	}
	da, db, dc := tail(k)
	_, b, c = final(a+da, b+db, c+dc)
	return uint64(b)<<32 | uint64(c)
}

// tail spreads up to 11 bytes over the three words. The lowest byte of the third stays free, for the length.
func tail(k []byte) (a, b, c uint32) {
	var last [12]byte
	n := copy(last[:8], k)
	copy(last[9:], k[n:])
	return binary.LittleEndian.Uint32(last[:]), binary.LittleEndian.Uint32(last[4:]), binary.LittleEndian.Uint32(last[8:])
}

func mix(a, b, c uint32) (uint32, uint32, uint32) {
	a = a - c ^ bits.RotateLeft32(c, 4)
	c += b
	b = b - a ^ bits.RotateLeft32(a, 6)
	a += c
	c = c - b ^ bits.RotateLeft32(b, 8)
	b += a
	a = a - c ^ bits.RotateLeft32(c, 16)
	c += b
	b = b - a ^ bits.RotateLeft32(a, 19)
	a += c
	c = c - b ^ bits.RotateLeft32(b, 4)
	b += a
	return a, b, c
}

func final(a, b, c uint32) (uint32, uint32, uint32) {
	c = c ^ b - bits.RotateLeft32(b, 14)
	a = a ^ c - bits.RotateLeft32(c, 11)
	b = b ^ a - bits.RotateLeft32(a, 25)
	c = c ^ b - bits.RotateLeft32(b, 16)
	a = a ^ c - bits.RotateLeft32(c, 4)
	b = b ^ a - bits.RotateLeft32(a, 14)
	c = c ^ b - bits.RotateLeft32(b, 24)
	return a, b, c
}
