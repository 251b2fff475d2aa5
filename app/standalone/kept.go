package standalone

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// keptMost is how many bytes of merged files are kept here at most for one target.
const keptMost = 64 << 20

// keptMerges are copies of merged files that are going to be merged again, some minutes later: a bucket is paid for what is read
// back. They are a cache for one session. Where one is missing, or is not as it was written, the target is asked.
type keptMerges struct {
	dir   string // empty: nothing is kept
	most  int64
	sizes map[keptName]int64
	total int64
}

type keptName struct {
	level            int
	minTXID, maxTXID ltx.TXID
}

// newKeptMerges begins with nothing in dir.
func newKeptMerges(dir string, most int64) *keptMerges {
	k := &keptMerges{dir: dir, most: most, sizes: map[keptName]int64{}}
	if dir != "" && errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, dirMode)) != nil {
		k.dir = ""
	}
	return k
}

func (k *keptMerges) path(n keptName) string {
	return filepath.Join(k.dir, fmt.Sprintf("%d-%s", n.level, ltx.FormatFilename(n.minTXID, n.maxTXID)))
}

// keep copies what is read from r, once the caller says that it is at the target. That this disk is full is nobody's concern.
func (k *keptMerges) keep(n keptName, r io.Reader) (_ io.Reader, written func(ok bool)) {
	if k.dir == "" || n.level >= len(app.Retention{})-1 {
		return r, func(bool) {}
	}
	name := k.path(n)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return r, func(bool) {}
	}
	c := &limitedCopy{w: f, room: k.most - k.total}
	return io.TeeReader(r, c), func(ok bool) {
		if err := f.Close(); err != nil || c.err != nil || !ok {
			_ = os.Remove(name) // it is no part of what is kept in any case
			return
		}
		k.sizes[n] = c.n
		k.total += c.n
	}
}

// limitedCopy writes as long as there is room, and then nothing more. It never fails.
type limitedCopy struct {
	w       io.Writer
	n, room int64
	err     error
}

var errNoRoom = errors.New("no more is kept")

func (c *limitedCopy) Write(b []byte) (int, error) {
	if c.n += int64(len(b)); c.n > c.room && c.err == nil {
		c.err = errNoRoom
	}
	if c.err == nil {
		_, c.err = c.w.Write(b)
	}
	return len(b), nil
}

// open opens a file that is kept and is as it was written; os.ErrNotExist for any other.
func (k *keptMerges) open(level int, minTXID, maxTXID ltx.TXID) (io.ReadCloser, error) {
	n := keptName{level, minTXID, maxTXID}
	if _, ok := k.sizes[n]; !ok {
		return nil, os.ErrNotExist
	}
	f, err := os.Open(k.path(n))
	if err == nil && !isWhole(f, n) {
		err = f.Close()
		f = nil
	}
	if err != nil || f == nil {
		k.remove(n)
		return nil, os.ErrNotExist
	}
	return f, nil
}

// isWhole reads a file, and goes back to its beginning.
func isWhole(f *os.File, n keptName) bool {
	dec := ltx.NewDecoder(bufio.NewReaderSize(f, passBuffer))
	if dec.Verify() != nil || dec.Header().MinTXID != n.minTXID || dec.Header().MaxTXID != n.maxTXID {
		return false
	}
	_, err := f.Seek(0, io.SeekStart)
	return err == nil
}

// drop removes what is kept of a level and begins before or at a TXID, after which the next merge begins.
func (k *keptMerges) drop(level int, upTo ltx.TXID) {
	for n := range k.sizes {
		if n.level == level && n.minTXID <= upTo {
			k.remove(n)
		}
	}
}

func (k *keptMerges) remove(n keptName) {
	k.total -= k.sizes[n]
	delete(k.sizes, n)
	_ = os.Remove(k.path(n)) // the next session removes the folder
}
