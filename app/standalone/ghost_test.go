package standalone

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/benbjohnson/litestream"

	"github.com/coditect-ai/coditect-sync/app"
)

// A writer that is killed after its last write to the WAL, and before it says so in the index, leaves a transaction
// that nobody else sees. What others write over it must be in the copy, and it must not.
func TestTransactionThatNeverWasCommittedIsNotBuiltUpon(t *testing.T) {
	s, other := openedSession(t)
	if _, err := other.Exec("INSERT INTO notes(body) VALUES ('second')"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.k.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	leaveGhost(t, s)
	if err := s.capture(t.Context()); !errors.Is(err, errAside) {
		t.Errorf("the session goes on behind it: %v", err)
	}
	if _, err := other.Exec("INSERT INTO notes(body) VALUES ('third')"); err != nil {
		t.Fatal(err)
	}
	s.abandon()
	if _, err := s.k.open(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	point, err := s.k.flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(t.TempDir(), "image.db")
	plan, err := s.replica.Plan(t.Context(), "m1", app.Moment{Point: point.ID})
	if err == nil {
		err = s.replica.Fetch(t.Context(), plan, image, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	copied, err := sql.Open("sqlite", image)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = copied.Close() }()
	var rows int
	if err := copied.QueryRow("SELECT count(*) FROM notes").Scan(&rows); err != nil || rows != 3 {
		t.Errorf("the copy has %d rows (%v), the file 3", rows, err)
	}
}

// leaveGhost writes a whole transaction of nonsense behind the last committed frame.
func leaveGhost(t *testing.T, s *shipper) {
	t.Helper()
	wal, err := os.OpenFile(s.walPath(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wal.Close() }()
	index, ok := s.walIndex.header()
	frame := litestream.WALFrameHeaderSize + s.db.PageSize()
	end := int64(litestream.WALHeaderSize) + int64(index.frames)*int64(frame)
	last := make([]byte, frame)
	if _, err := wal.ReadAt(last, end-int64(frame)); err != nil || !ok {
		t.Fatal(err, ok)
	}
	sum := [2]uint32{binary.BigEndian.Uint32(last[16:]), binary.BigEndian.Uint32(last[20:])}
	for i := range 8 {
		f := append(bytes.Clone(last[:16]), make([]byte, 8)...)
		binary.BigEndian.PutUint32(f, 2)
		if i < 7 {
			binary.BigEndian.PutUint32(f[4:], 0) // only the last one commits
		}
		body := bytes.Repeat([]byte{0xff}, s.db.PageSize())
		sum = walSum(body, walSum(f[:8], sum))
		binary.BigEndian.PutUint32(f[16:], sum[0])
		binary.BigEndian.PutUint32(f[20:], sum[1])
		if _, err := wal.WriteAt(append(f, body...), end+int64(i*frame)); err != nil {
			t.Fatal(err)
		}
	}
}

// walSum is the checksum of SQLite's WAL, as little-endian machines write it.
func walSum(data []byte, sum [2]uint32) [2]uint32 {
	for i := 0; i < len(data); i += 8 {
		sum[0] += binary.LittleEndian.Uint32(data[i:]) + sum[1]
		sum[1] += binary.LittleEndian.Uint32(data[i+4:]) + sum[0]
	}
	return sum
}
