package standalone

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// An object is read to its end, however it comes, into a buffer that may be larger, smaller or just right.
func TestAnObjectIsReadWhole(t *testing.T) {
	content := bytes.Repeat([]byte("memory "), 3000)
	for _, room := range []int{0, 1, len(content) - 1, len(content), len(content) + 1, 3 * len(content)} {
		for name, r := range map[string]io.Reader{
			"at once": bytes.NewReader(content), "by bytes": &trickle{content}, "file": nil,
		} {
			read := func(buf []byte) ([]byte, error) { return readFile(fileWith(t, content), int64(len(content)), buf) }
			if r != nil {
				read = func(buf []byte) ([]byte, error) { return readAll(r.Read, buf) }
			}
			got, err := read(make([]byte, 0, room))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s into %d bytes: %d of %d, %v", name, room, len(got), len(content), err)
			}
		}
	}
}

// A file that is not as long as it was listed is read as it is, and one that is not there is missing.
func TestAFileIsReadAsItIs(t *testing.T) {
	content := []byte("as it is")
	for _, listed := range []int64{1, int64(len(content)) - 1, int64(len(content)) + 1, 1 << 20} {
		if got, err := readFile(fileWith(t, content), listed, make([]byte, 0, listed+1)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("listed with %d bytes: %q, %v", listed, got, err)
		}
	}
	if _, err := readFile(filepath.Join(t.TempDir(), "gone"), 1, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := readFile(t.TempDir(), 1, nil); err == nil {
		t.Error("a folder was read")
	}
}

// A connection that broke is no end, even if what it says wraps one; and nothing is read without an end.
func TestABreakIsNoEnd(t *testing.T) {
	broken := func([]byte) (int, error) { return 0, fmt.Errorf("reset: %w", io.EOF) }
	if _, err := readAll(broken, nil); err == nil {
		t.Error("taken for the end")
	}
	endless := func(b []byte) (int, error) { return len(b), nil }
	if got, err := readAll(endless, nil); err != nil || len(got) > 8*prefetchWhole {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func fileWith(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "object")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// trickle gives a byte at a time, and the last with the end.
type trickle struct{ left []byte }

func (r *trickle) Read(b []byte) (int, error) {
	b[0], r.left = r.left[0], r.left[1:]
	if len(r.left) == 0 {
		r.left = []byte("x")
		return 1, io.EOF
	}
	return 1, nil
}
