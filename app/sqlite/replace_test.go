package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// imageOf makes an image of n rows.
func imageOf(t *testing.T, pageSize, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.db")
	makeItems(t, path, pageSize, "restored", n)
	return path
}

func replace(t *testing.T, f *File, image string) time.Duration {
	t.Helper()
	locked, err := f.Replace(t.Context(), image, nothing, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return locked
}

func TestReplaceIsSeenByOpenConnections(t *testing.T) {
	peers(t, func(t *testing.T, start func(testing.TB, string) *peer) {
		f := adopted(t, 100)
		p := start(t, f.path)
		if got := p.exec("SELECT count(*), min(body) FROM items"); got[0] != "100|live 1" {
			t.Fatalf("got %v", got)
		}
		image := imageOf(t, 4096, 37)
		locked, err := f.Replace(t.Context(), image, func() error {
			if got := p.exec("SELECT count(*) FROM items"); got[0] != "100" {
				t.Errorf("a reader meanwhile got %v", got)
			}
			p.send("INSERT INTO items (body) VALUES ('waited')")
			return nil
		}, quiet)
		if err != nil || locked <= 0 {
			t.Fatalf("locked %v, %v", locked, err)
		}
		if _, err := p.read(p.out); err != nil {
			t.Errorf("the writer that waited: %v", err)
		}
		if got := p.exec("SELECT count(*), min(body) FROM items WHERE body <> 'waited'"); got[0] != "37|restored 1" {
			t.Errorf("got %v", got)
		}
		if got := p.exec("SELECT id FROM items WHERE body = 'waited'"); got[0] != "38" {
			t.Errorf("the row that waited: %v", got)
		}
		if got := p.exec("PRAGMA integrity_check"); got[0] != "ok" {
			t.Errorf("got %v", got)
		}
	})
}

func TestReplaceMakesTheRowHashThatOfTheImageAndCanBeUndone(t *testing.T) {
	f := adopted(t, 300)
	before := check(t, f, "")
	saved := filepath.Join(t.TempDir(), "saved.db")
	makeDB(t, f.path, "VACUUM INTO '"+saved+"'")
	image := imageOf(t, 4096, 900)
	var last, of int64
	locked, err := f.Replace(t.Context(), image, nothing, func(done, total int64) {
		if done <= last || done > total {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last, of = done, total
	})
	if err != nil || locked <= 0 {
		t.Fatalf("locked %v, %v", locked, err)
	}
	if last != of || of != size(t, image) {
		t.Errorf("progress ended at %d of %d", last, of)
	}
	if got := check(t, f, ""); !slices.Equal(got, check(t, f, image)) {
		t.Errorf("got %v", got)
	}
	replace(t, f, saved)
	if got := check(t, f, ""); !slices.Equal(got, before) {
		t.Errorf("undone: got %v, want %v", got, before)
	}
	if ask(t, f.path, "PRAGMA journal_mode") != "wal" {
		t.Error("not in WAL mode")
	}
}

func TestReplaceConvertsThePageSize(t *testing.T) {
	for _, live := range []int{512, 4096, 65536} {
		for _, pages := range []int{512, 1024, 8192, 65536} {
			t.Run(fmt.Sprintf("%d into %d", pages, live), func(t *testing.T) {
				f := newFile(t)
				makeItems(t, f.path, live, "live", 30)
				if _, err := f.Adopt(t.Context()); err != nil {
					t.Fatal(err)
				}
				p := startPython(t, f.path)
				p.exec("SELECT * FROM items")
				image := filepath.Join(t.TempDir(), "image.db")
				makeDB(t, image, fmt.Sprintf("PRAGMA page_size = %d", pages), "PRAGMA journal_mode = WAL", "CREATE TABLE log (line)",
					"INSERT INTO log VALUES ('a'), ('b'), ('c')", "DELETE FROM log WHERE line = 'b'", "PRAGMA user_version = 9")
				replace(t, f, image)
				if got := p.exec("SELECT group_concat(rowid || line), (SELECT * FROM pragma_user_version) FROM log"); got[0] != "1a,3c|9" {
					t.Errorf("got %v", got)
				}
				if got := p.exec("PRAGMA page_size"); got[0] != fmt.Sprint(live) {
					t.Errorf("page size %v", got)
				}
				if entries, err := os.ReadDir(filepath.Dir(image)); err != nil || len(entries) != 1 {
					t.Errorf("left beside the image: %v, %v", entries, err)
				}
				check(t, f, "")
			})
		}
	}
}

// Whatever fails, every row is as it was, and the next one works.
func TestReplaceThatFailsChangesNothing(t *testing.T) {
	boom := errors.New("boom")
	whole := imageOf(t, 4096, 900)
	torn := filepath.Join(t.TempDir(), "torn.db")
	b := read(t, whole)
	copy(b[len(b)/2:], make([]byte, 8192))
	write(t, torn, b)
	short := filepath.Join(t.TempDir(), "short.db")
	write(t, short, b[:len(b)/3])
	text := filepath.Join(t.TempDir(), "text.db")
	write(t, text, []byte("no database"))
	for name, c := range map[string]struct {
		image  string
		before func(cancel func()) error
		code   app.Code
	}{
		"before fails":      {whole, func(func()) error { return boom }, app.CodeFailed},
		"image torn":        {torn, nil, app.CodeDamaged},
		"image cut off":     {short, nil, app.CodeDamaged},
		"image is none":     {text, nil, app.CodeDamaged},
		"image missing":     {whole + ".gone", nil, app.CodeNotFound},
		"cancelled in wait": {whole, func(cancel func()) error { cancel(); return nil }, app.CodeCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			f := adopted(t, 200)
			hashes := check(t, f, "")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := f.Replace(ctx, c.image, func() error {
				if c.before == nil {
					t.Error("came as far as before")
					return nil
				}
				return c.before(cancel)
			}, quiet)
			wantCode(t, err, c.code)
			if got := check(t, f, ""); !slices.Equal(got, hashes) {
				t.Errorf("got %v, want %v", got, hashes)
			}
			replace(t, f, whole)
		})
	}
}

func TestReplaceIsCancelledInTheMidst(t *testing.T) {
	f := adopted(t, 200)
	hashes := check(t, f, "")
	p := startPython(t, f.path)
	p.exec("SELECT * FROM items")
	ctx, cancel := context.WithCancel(t.Context())
	locked, err := f.Replace(ctx, imageOf(t, 4096, 1500), nothing, func(done, total int64) {
		if done > total/2 {
			cancel()
		}
	})
	wantCode(t, err, app.CodeCanceled)
	if locked <= 0 {
		t.Error("the lock was held and the time is not told")
	}
	if got := check(t, f, ""); !slices.Equal(got, hashes) {
		t.Errorf("got %v, want %v", got, hashes)
	}
	p.exec("INSERT INTO items (body) VALUES ('after')")
	if got := p.exec("SELECT count(*) FROM items"); got[0] != "201" {
		t.Errorf("got %v", got)
	}
}

// Some program switched the journal mode back: the backup API needs WAL mode, or readers would be locked out.
func TestReplaceTurnsWALOnAgain(t *testing.T) {
	f := adopted(t, 10)
	makeDB(t, f.path, "PRAGMA journal_mode = DELETE")
	replace(t, f, imageOf(t, 4096, 4))
	if got := ask(t, f.path, "PRAGMA journal_mode"); got != "wal" {
		t.Errorf("got %s", got)
	}
}

// An image that was checked is not read again; one that changed since is.
func TestReplaceChecksAChangedImage(t *testing.T) {
	f := adopted(t, 10)
	image := imageOf(t, 4096, 500)
	check(t, f, image)
	b := read(t, image)
	copy(b[len(b)/2:], make([]byte, 8192))
	write(t, image, b)
	_, err := f.Replace(t.Context(), image, nothing, quiet)
	wantCode(t, err, app.CodeDamaged)
}

func TestReplaceIntoAnEmptyFile(t *testing.T) {
	f := newFile(t)
	write(t, f.path, nil)
	image := imageOf(t, 8192, 20)
	replace(t, f, image)
	if got := check(t, f, ""); !slices.Equal(got, check(t, f, image)) {
		t.Errorf("got %v", got)
	}
}

func TestReplaceWaitsForAWriter(t *testing.T) {
	f := adopted(t, 10)
	p := startPython(t, f.path)
	p.exec("BEGIN IMMEDIATE")
	image := imageOf(t, 4096, 4)
	done := make(chan error, 1)
	go func() {
		_, err := f.Replace(t.Context(), image, func() error {
			if h, err := f.Check(t.Context(), ""); err != nil || h[0].Rows != 12 {
				t.Errorf("before the writer was done: %v, %v", h, err)
			}
			return nil
		}, quiet)
		done <- err
	}()
	p.exec("INSERT INTO items (body) VALUES ('one')")
	p.exec("INSERT INTO items (body) VALUES ('two')")
	p.exec("COMMIT")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := p.exec("SELECT count(*) FROM items"); got[0] != "4" {
		t.Errorf("got %v", got)
	}
}

func TestReplaceIsCancelledWhileItWaits(t *testing.T) {
	f := adopted(t, 10)
	image := imageOf(t, 4096, 4)
	check(t, f, image)
	p := startPython(t, f.path)
	p.exec("BEGIN IMMEDIATE")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := f.Replace(ctx, image, func() error { t.Error("got the lock"); return nil }, quiet)
		done <- err
	}()
	p.exec("INSERT INTO items (body) VALUES ('mine')")
	cancel()
	wantCode(t, <-done, app.CodeCanceled)
	p.exec("COMMIT")
}
