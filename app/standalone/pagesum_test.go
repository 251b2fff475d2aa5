package standalone

import (
	"crypto/rand"
	"hash/crc64"
	"testing"
)

// The sum of pages is that of the standard library, of every page size and whatever went before.
func TestPagesAreSummedAsTheStandardSays(t *testing.T) {
	iso := crc64.MakeTable(crc64.ISO)
	for size := uint32(512); size <= 65536; size *= 2 {
		s := newPageSum(size)
		page := make([]byte, size)
		want, got := uint64(0), uint64(0)
		for round := range 20 {
			if _, err := rand.Read(page[round*int(size)/40:]); err != nil { // the first is all random, later ones begin with zeros
				t.Fatal(err)
			}
			clear(page[:round*int(size)/40])
			want, got = crc64.Update(want, iso, page), s.update(got, page)
			if got != want {
				t.Fatalf("%d bytes, page %d: %016x, want %016x", size, round, got, want)
			}
		}
	}
}

func BenchmarkPageSum(b *testing.B) {
	const size = 4096
	page := make([]byte, size)
	_, _ = rand.Read(page)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(size)
		s, sum := newPageSum(size), uint64(0)
		for b.Loop() {
			sum = s.update(sum, page)
		}
	})
	b.Run("standard", func(b *testing.B) {
		b.SetBytes(size)
		iso, sum := crc64.MakeTable(crc64.ISO), uint64(0)
		for b.Loop() {
			sum = crc64.Update(sum, iso, page)
		}
	})
}
