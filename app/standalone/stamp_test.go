package standalone

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// encode makes an object of n pages with Litestream's own encoder.
func encode(t testing.TB, hdr ltx.Header, pages ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, err := ltx.NewEncoder(&b)
	if err != nil {
		t.Fatal(err)
	}
	hdr.Version, hdr.Flags = ltx.Version, ltx.HeaderFlagNoChecksum
	if err := enc.EncodeHeader(hdr); err != nil {
		t.Fatal(err)
	}
	for i, p := range pages {
		if err := enc.EncodePage(ltx.PageHeader{Pgno: uint32(i + 1)}, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestStampKeepsObjectsValid(t *testing.T) {
	for _, n := range []int{1, 2, 7, 300} {
		var pages [][]byte
		for i := range n {
			pages = append(pages, bytes.Repeat([]byte{byte(i), byte(i >> 3), 7}, 4096)[:4096])
		}
		raw := encode(t, ltx.Header{PageSize: 4096, Commit: uint32(n), MinTXID: 1, MaxTXID: 3, Timestamp: 5}, pages...)
		var out bytes.Buffer
		if err := stamp(&out, bufio.NewReaderSize(bytes.NewReader(raw), 8192), nodeID("m1")); err != nil {
			t.Fatal(err)
		}
		dec := ltx.NewDecoder(&out)
		if out.Len() != len(raw) {
			t.Errorf("%d pages: %d bytes became %d", n, len(raw), out.Len())
		}
		if err := dec.Verify(); err != nil {
			t.Fatalf("%d pages: Litestream refuses the stamped object: %v", n, err)
		}
		if dec.Header().NodeID != nodeID("m1") || dec.Header().MaxTXID != 3 || dec.PageN() != n {
			t.Errorf("%d pages: header %+v", n, dec.Header())
		}
	}
}

func TestStampRefusesWhatIsNoObject(t *testing.T) {
	raw := encode(t, ltx.Header{PageSize: 512, Commit: 1, MinTXID: 1, MaxTXID: 1}, make([]byte, 512))
	for _, b := range [][]byte{nil, []byte("SQLite"), raw[:99], raw[:103], raw[:115]} {
		if err := stamp(io.Discard, bufio.NewReader(bytes.NewReader(b)), 1); err == nil {
			t.Errorf("%d bytes were stamped", len(b))
		}
	}
}

// TestTornLocalFileIsNotUploaded: what is damaged here is known as that, and nothing of it reaches the target.
func TestTornLocalFileIsNotUploaded(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		c := target.ReplicaClient("u", "m")
		raw := encode(t, ltx.Header{PageSize: 512, Commit: 1, MinTXID: 1, MaxTXID: 1}, make([]byte, 512))
		for _, b := range [][]byte{nil, raw[:50], raw[:105], raw[:len(raw)-40], []byte(strings.Repeat("SQLite", 50))} {
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(b))
			var e *litestream.LTXError
			if !errors.As(err, &e) || !e.IsAutoRecoverable() {
				t.Errorf("%d bytes: %v", len(b), err)
			}
			mustCode(t, classify("replicate", err), app.CodeDamaged)
		}
		if h, err := readHistory(t.Context(), c); err != nil || len(h) != 0 {
			t.Errorf("%v, %v", h, err)
		}
		gone := &accessError{need: rightRead, place: "x", key: "k", err: io.ErrUnexpectedEOF}
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(bytes.NewReader(raw[:105]), iotest.ErrReader(gone)))
		mustCode(t, classify("replicate", err), app.CodeUnreachable)
	})
}
