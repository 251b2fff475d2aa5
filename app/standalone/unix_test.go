//go:build unix

package standalone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestDiskFaultsHaveNames(t *testing.T) {
	at := func(err error) error {
		return &accessError{need: rightWrite, place: "/srv/copies", key: "standalone/x", err: &fs.PathError{Op: "write", Path: "/srv/copies/standalone/x", Err: err}}
	}
	for err, code := range map[error]app.Code{
		syscall.ENOSPC: app.CodeNoSpace, syscall.EDQUOT: app.CodeNoSpace, syscall.EFBIG: app.CodeNoSpace,
		syscall.EROFS: app.CodeDenied, syscall.EACCES: app.CodeDenied, syscall.EPERM: app.CodeDenied,
		syscall.ESTALE: app.CodeUnreachable, syscall.EIO: app.CodeUnreachable, syscall.ENOTDIR: app.CodeInvalid,
	} {
		if e := mustCode(t, classify("replicate", at(err)), code); !strings.Contains(e.Message+e.Hint, "/srv/copies") && code != app.CodeInvalid {
			t.Errorf("%v: %q", err, e.Message)
		}
		for _, name := range []string{"image.db", ".context.db-litestream/ltx/0/1-1.ltx.tmp"} {
			local := &fs.PathError{Op: "write", Path: "/home/ada/" + name, Err: err}
			if e := mustCode(t, classify("restore", local), code); !strings.Contains(e.Message, "/home/ada") || e.Hint == "" {
				t.Errorf("%v here: %q", err, e.Message)
			}
		}
	}
	if e := classify("flush", fmt.Errorf("upload: %w", context.Canceled)); e.Code != app.CodeCanceled {
		t.Errorf("canceled: %v", e)
	}
	const want = "There is no space left on the disk of /home/ada."
	for _, name := range []string{"image.db.tmp", ".context.db-litestream/ltx/0/1-1.ltx.tmp"} { // a person knows the folder
		if e := classify("x", &fs.PathError{Op: "write", Path: "/home/ada/" + name, Err: syscall.ENOSPC}); e.Message != want {
			t.Errorf("%q, want %q", e.Message, want)
		}
	}
	own := app.Errorf(app.CodeRefused, "x", "No.")
	if e := classify("y", fmt.Errorf("wrapped: %w", own)); e != own {
		t.Errorf("an Error was classified again: %v", e)
	}
	if classify("x", nil) != nil || asError("x", nil) != nil {
		t.Error("nil became an error")
	}
	if e := classify("x", errors.New("odd")); e.Code != app.CodeFailed {
		t.Errorf("unknown: %v", e)
	}
}

// inChild runs the test in a process of its own, where a limit hits nothing else, such as the log that the test runner
// writes. It tells whether this is that process.
func inChild(t *testing.T) bool {
	t.Helper()
	const env = "CODITECT_TEST_CHILD"
	if os.Getenv(env) == t.Name() {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	child.Env = append(os.Environ(), env+"="+t.Name())
	out, err := child.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a process of its own: %v", err)
	}
	return false
}

// TestRealFullDisks uses what the system really answers: a device that is always full, and a limit on file sizes.
func TestRealFullDisks(t *testing.T) {
	if !inChild(t) {
		return
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	_, err = full.Write([]byte("x"))
	mustCode(t, classify("restore", err), app.CodeNoSpace)

	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	w.write(4000, 3000)
	plan, err := replicaOf(target, "m1").Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "image.db")
	limitFileSize(t, 8<<20, func() {
		mustCode(t, replicaOf(target, "m1").Fetch(t.Context(), plan, to, nil), app.CodeNoSpace)
		_, err := target.store.put(t.Context(), "standalone/x", time.Time{}, writeAll(make([]byte, 9<<20)))
		mustCode(t, classify("replicate", err), app.CodeNoSpace)
	})
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a partial image was left: %v", err)
	}
	if left := names(t, target.store, layoutRoot, ""); left != nil {
		t.Errorf("a partial object was left: %v", left)
	}
	if err := replicaOf(target, "m1").Fetch(t.Context(), plan, to, nil); err != nil {
		t.Errorf("again with room: %v", err)
	}
}

func limitFileSize(t *testing.T, n uint64, run func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // else the system ends the process instead of answering
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	run()
}
