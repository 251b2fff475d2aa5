//go:build unix

package standalone

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// What the child of TestManyIncrementsUnderALimit restores, and to where.
const (
	manyURL = "CODITECT_TEST_MANY_URL"
	manyTo  = "CODITECT_TEST_MANY_TO"
)

// TestManyIncrementsUnderALimit: a process that may have 256 files open restores from thousands of objects, reading some at
// the same time. Stopped in the middle it leaves nothing, and the next attempt is whole. Ten times as many take
// no more memory than what lists them.
func TestManyIncrementsUnderALimit(t *testing.T) {
	if os.Getenv(manyURL) != "" {
		restoreInChild(t)
		return
	}
	t.Run("file", func(t *testing.T) {
		underALimit(t, func(t *testing.T) (string, func(key string, content []byte)) {
			target := fileTarget(t)
			return target.URL(), func(key string, content []byte) {
				name := filepath.Join(target.at.path, filepath.FromSlash(key))
				err := os.MkdirAll(filepath.Dir(name), 0o700)
				if err = errors.Join(err, os.WriteFile(name, content, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
	t.Run("gs", func(t *testing.T) {
		underALimit(t, func(t *testing.T) (string, func(key string, content []byte)) {
			target, g := gcsTarget(t)
			return target.URL(), func(key string, content []byte) { g.Put("memory", path.Join("some/where", key), content) }
		})
	})
}

func underALimit(t *testing.T, open func(*testing.T) (url string, put func(key string, content []byte))) {
	var memory []int64
	for _, n := range []ltx.TXID{increments / 10, increments} {
		url, put := open(t)
		want := putIncrements(t, n, put)
		to := filepath.Join(t.TempDir(), "image.db")
		child := exec.Command("/bin/sh", "-c", `ulimit -n 256 && exec "$0" "$@"`, os.Args[0], "-test.run=^TestManyIncrementsUnderALimit$", "-test.v", "-test.timeout=10m")
		child.Env = append(os.Environ(), manyURL+"="+url, manyTo+"="+to)
		out, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		used := int64(0)
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "objects in ") {
				t.Log(strings.TrimSpace(line))
			}
			_, _ = fmt.Sscanf(line, peakLine, &used) // 0 is no memory, which is seen below
		}
		got, err := os.ReadFile(to)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d objects: %v, equal %v", n, err, bytes.Equal(got, want))
		}
		memory = append(memory, used)
	}
	t.Logf("memory: %d kB for %d objects, %d kB for %d", memory[0], increments/10, memory[1], increments)
	if memory[0] == 0 || memory[1] > memory[0]+32<<10 {
		t.Errorf("memory grows with the objects: %d kB", memory)
	}
}

const peakLine = "peak memory %d kB\n"

// peakMemory is the most that this process had at once, in kB. What the system says of a child that ended, on Linux, is no less
// than its parent had: here that holds all objects.
func peakMemory(t *testing.T) (kB int64) {
	t.Helper()
	if text, err := os.ReadFile("/proc/self/status"); err == nil {
		_, rest, _ := strings.Cut(string(text), "VmHWM:")
		if _, err := fmt.Sscanf(rest, "%d kB", &kB); err != nil {
			t.Fatal(err)
		}
		return kB
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "darwin" {
		own.Maxrss /= 1024
	}
	return own.Maxrss
}

// putIncrements makes a history of n changes of a page each, never merged, and returns what they come to.
func putIncrements(t *testing.T, n ltx.TXID, put func(key string, content []byte)) []byte {
	t.Helper()
	const pageSize, pages = 512, 64
	want := make([]byte, pages*pageSize)
	_, _ = rand.Read(want)
	var all []uint32
	var content [][]byte
	for i := range uint32(pages) {
		all, content = append(all, i+1), append(content, want[i*pageSize:(i+1)*pageSize])
	}
	object := func(txid ltx.TXID, pgnos []uint32, pages ...[]byte) {
		hdr := ltx.Header{PageSize: pageSize, Commit: uint32(len(all)), MinTXID: txid, MaxTXID: txid, Timestamp: time.Now().UnixMilli()}
		put(path.Join(machineDir(twinUser, "m1"), "ltx/0", ltx.FormatFilename(txid, txid)), objectOf(t, hdr, pgnos, pages...))
	}
	object(1, all, content...)
	for txid := ltx.TXID(2); txid <= n; txid++ {
		pgno := uint32(txid)%pages + 1
		page := want[(pgno-1)*pageSize : pgno*pageSize]
		page[0]++
		page[1] = byte(txid)
		object(txid, []uint32{pgno}, page)
	}
	return want
}

func restoreInChild(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max > 256 {
		t.Fatalf("the limit is %d, %v", limit.Max, err)
	}
	target := openTarget(t, TargetConfig{URL: os.Getenv(manyURL)})
	seen := &readers{store: target.store}
	target.store = seen
	r := replicaOf(target, "m1")
	plan, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	to := os.Getenv(manyTo)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen.opened.Store(0) // a plan reads the times of a copied folder
	seen.onOpen = func(n int64) {
		if n == int64(plan.Objects/2) {
			cancel()
		}
	}
	if err := r.Fetch(ctx, plan, to, nil); app.CodeOf(err) != app.CodeCanceled {
		t.Errorf("stopped in the middle: %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a partial image was left: %v", err)
	}
	seen.onOpen = nil
	began := time.Now()
	if err := r.Fetch(t.Context(), plan, to, nil); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%d objects in %v, at most %d read at once\n", plan.Objects, time.Since(began), seen.most.Load())
	fmt.Printf(peakLine, peakMemory(t))
	if most := seen.most.Load(); most > prefetchObjects+1 || target.Paid() && most < 2 { // a disk may be faster than we ask
		t.Errorf("%d objects were read at once", most)
	}
}

// readers counts the objects that are being read.
type readers struct {
	store
	opened, now, most atomic.Int64
	onOpen            func(n int64) // may be nil
}

func (s *readers) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	if n := s.opened.Add(1); s.onOpen != nil {
		s.onOpen(n)
	}
	now := s.now.Add(1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	rc, err := s.store.open(ctx, key, offset, size)
	if err != nil {
		s.now.Add(-1)
		return nil, err
	}
	return &reading{rc, s}, nil
}

type reading struct {
	io.ReadCloser
	s *readers
}

func (r *reading) Close() error {
	r.s.now.Add(-1)
	return r.ReadCloser.Close()
}
