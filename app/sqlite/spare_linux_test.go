package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// opened is how many descriptors of the file this process has.
func opened(t testing.TB, path string) (n int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.TrimSuffix(to, " (deleted)") == path {
			n++
		}
	}
	return n
}

func mark(t testing.TB, f *File) (mark int64) {
	t.Helper()
	mark, _, err := f.QueueMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

// TestConnectionStaysOpen: it is the same one for what follows, sees what others write, and is closed when nothing does.
func TestConnectionStaysOpen(t *testing.T) {
	f := enrolledMemory(t)
	first := mark(t, f)
	if n := opened(t, f.path); n != 1 {
		t.Fatalf("%d descriptors between two uses", n)
	}
	kept := f.spare.idle[0].conn
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('018f0000-0000-7000-8000-000000000001', 'Lumen')")
	if second := mark(t, f); second <= first {
		t.Errorf("the mark stayed %d", second)
	}
	next(t, f)
	if f.spare.idle[0].conn != kept {
		t.Error("opened once more")
	}
	for deadline := time.Now().Add(time.Minute); opened(t, f.path) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("still open")
		}
	}
}

// TestRestLeavesNoLog: who was the last to have the file open has copied its log back.
func TestRestLeavesNoLog(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO projects (id, name) VALUES ('p', 'n')")
	next(t, f)
	f.Rest()
	if _, err := os.Stat(f.path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("there is a log: %v", err)
	}
}

// TestQuiesceClosesWhatWasKept: whoever opens the file by other means closes descriptors of it, and drops SQLite's locks.
func TestQuiesceClosesWhatWasKept(t *testing.T) {
	f := enrolledMemory(t)
	mark(t, f)
	release, err := f.Quiesce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if n := opened(t, f.path); n != 0 {
		t.Errorf("%d descriptors while nobody may have it open", n)
	}
}

// TestFileThatWasReplacedWhileKept: the next use works on what is there now, and the log of the one that was there before is not
// copied into it.
func TestFileThatWasReplacedWhileKept(t *testing.T) {
	for _, moved := range []string{"all", "log"} {
		t.Run(moved, func(t *testing.T) {
			f := enrolledMemory(t)
			makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('018f0000-0000-7000-8000-000000000001', 'before')")
			next(t, f) // writes into the log
			aside := filepath.Join(t.TempDir(), "aside.db")
			for _, suffix := range parts[1:] {
				if moved == "log" && suffix == "" {
					continue
				}
				if err := os.Rename(f.path+suffix, aside+suffix); err != nil {
					t.Fatal(err)
				}
			}
			if moved == "all" {
				makeDB(t, f.path, "PRAGMA journal_mode = WAL", "CREATE TABLE here (x)")
			}
			was := read(t, f.path)
			// Who is in the midst of something leaves a log behind.
			p := startPython(t, f.path)
			p.exec("CREATE TABLE news (x)")
			p.exec("INSERT INTO news VALUES ('kept')")
			p.kill()
			mark(t, f)
			if now := read(t, f.path); string(now) != string(was) {
				t.Error("the old log was copied into the file")
			}
			if got := ask(t, f.path, "SELECT x FROM news"); got != "kept" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestOpenTransactionIsNotKept: it would hold back every checkpoint.
func TestOpenTransactionIsNotKept(t *testing.T) {
	f := enrolledMemory(t)
	mark(t, f)
	f.spare.drop(f.path)
	err := f.withOpen(t.Context(), "test", func(c *conn) error { return c.beginRead(t.Context()) })
	if err != nil {
		t.Fatal(err)
	}
	if n := opened(t, f.path); n != 0 {
		t.Errorf("%d descriptors", n)
	}
}

// TestSettingsOfAUseEndWithIt: what goes up must survive a power cut, whatever came down before; and memory that a large use
// needed is given back.
func TestSettingsOfAUseEndWithIt(t *testing.T) {
	f := enrolledMemory(t)
	ctx := t.Context()
	mark(t, f)
	if err := f.withOpen(ctx, "test", func(c *conn) error { return c.exec(ctx, "PRAGMA synchronous = OFF") }); err != nil {
		t.Fatal(err)
	}
	var sync int64
	err := f.withOpen(ctx, "test", func(c *conn) error { return c.one(ctx, "PRAGMA synchronous", nil, &sync) })
	if err != nil || sync != 2 {
		t.Errorf("synchronous %d, %v", sync, err)
	}
	if err := f.withOpen(ctx, "test", func(c *conn) error { return c.enlarge(ctx) }); err != nil {
		t.Fatal(err)
	}
	if n := opened(t, f.path); n != 0 {
		t.Errorf("%d descriptors after a large use", n)
	}
}

// TestCancelledUseIsNotKept: what it left behind is not known.
func TestCancelledUseIsNotKept(t *testing.T) {
	f := enrolledMemory(t)
	f.spare.drop(f.path)
	ctx, cancel := context.WithCancel(t.Context())
	err := f.withOpen(ctx, "test", func(*conn) error {
		cancel()
		return ctx.Err()
	})
	if err == nil || opened(t, f.path) != 0 {
		t.Errorf("%v, %d descriptors", err, opened(t, f.path))
	}
}
