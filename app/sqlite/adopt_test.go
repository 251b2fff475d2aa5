package sqlite

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestAdoptChangesTheJournalModeAndNothingElse(t *testing.T) {
	f := newFile(t)
	makeItems(t, f.path, 8192, "row", 100)
	run := func(query string) string { return ask(t, f.path, query) }
	const schema = "SELECT group_concat(sql) || (SELECT * FROM pragma_user_version) || (SELECT * FROM pragma_application_id) FROM sqlite_schema"
	before, rows := run(schema), check(t, fileAt(t, f.path+".other"), f.path)
	info, err := f.Adopt(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.JournalMode != "wal" || info.PageSize != 8192 || info.ContextMemory || info.Rows["items"] != 100 || info.Bytes != size(t, f.path) {
		t.Errorf("got %+v", info)
	}
	if run(schema) != before || !slices.Equal(check(t, f, ""), rows) {
		t.Error("schema or rows changed")
	}
	if run("PRAGMA journal_mode") != "wal" {
		t.Error("not in WAL mode")
	}
}

func TestAdoptTakesAnEmptyFile(t *testing.T) {
	f := newFile(t)
	write(t, f.path, nil)
	info, err := f.Adopt(t.Context())
	if err != nil || info.JournalMode != "wal" || len(info.Rows) != 0 {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestAdoptSaysWhatIsWrong(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.db")
	makeItems(t, whole, 4096, "row", 500)
	image := read(t, whole)
	noise := make([]byte, 16384)
	_, _ = rand.Read(noise)
	torn := bytes.Clone(image)
	copy(torn[len(torn)/2:], noise[:4096])
	for name, c := range map[string]struct {
		content []byte
		code    app.Code
		say     string
	}{
		"text":        {[]byte("# Notes\n\nNot a database at all, only some words that fill more than one hundred bytes, so that SQLite looks at them.\n"), app.CodeInvalid, "not a SQLite database"},
		"short text":  {[]byte("hello\n"), app.CodeInvalid, "not a SQLite database"},
		"encrypted":   {noise, app.CodeDamaged, "encrypted, or damaged"},
		"torn page":   {torn, app.CodeDamaged, "damaged"},
		"cut off":     {image[:len(image)/2], app.CodeDamaged, "damaged"},
		"header lost": {append(make([]byte, 4096), image[4096:]...), app.CodeDamaged, "encrypted, or damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			write(t, f.path, c.content)
			_, err := f.Adopt(t.Context())
			wantCode(t, err, c.code)
			if e := app.AsError("", err); !strings.Contains(e.Message, c.say) || e.Hint == "" {
				t.Errorf("said %q, hint %q", e.Message, e.Hint)
			}
			if !bytes.Equal(read(t, f.path), c.content) {
				t.Error("the file changed")
			}
		})
	}
}

func TestAdoptNeedsAFile(t *testing.T) {
	_, err := newFile(t).Adopt(t.Context())
	wantCode(t, err, app.CodeNotFound)
	_, err = fileAt(t, t.TempDir()).Adopt(t.Context())
	wantCode(t, err, app.CodeInvalid)
}

// Another program in the midst of a write in rollback mode keeps the journal mode from changing.
func TestAdoptWaitsForAWriterAndThenSaysBusy(t *testing.T) {
	f := newFile(t)
	makeItems(t, f.path, 4096, "row", 10)
	p := startPython(t, f.path)
	p.exec("BEGIN IMMEDIATE")
	p.exec("DELETE FROM items")
	_, err := f.Adopt(t.Context())
	wantCode(t, err, app.CodeBusy)
	p.exec("ROLLBACK")
	if info, err := f.Adopt(t.Context()); err != nil || info.Rows["items"] != 10 {
		t.Errorf("afterwards: %+v, %v", info, err)
	}
}

func TestInspectCountsWhileAnotherWrites(t *testing.T) {
	f := adopted(t, 5)
	p := startPython(t, f.path)
	p.exec("BEGIN IMMEDIATE")
	p.exec("DELETE FROM items")
	info, err := f.Inspect(t.Context())
	if err != nil || info.Rows["items"] != 5 {
		t.Errorf("got %+v, %v", info, err)
	}
	p.exec("COMMIT")
	if info, err = f.Inspect(t.Context()); err != nil || info.Rows["items"] != 0 {
		t.Errorf("after: %+v, %v", info, err)
	}
}

func TestCheckNamesTheFirstProblem(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image.db")
	makeItems(t, image, 4096, "row", 500)
	makeDB(t, image, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'items_body'")
	_, err := newFile(t).Check(t.Context(), image)
	wantCode(t, err, app.CodeDamaged)
	if e := app.AsError("", err); !strings.Contains(e.Message, ":") {
		t.Errorf("said %q", e.Message)
	}
}

// A restored image says that it is in WAL mode. Reading it must leave nothing beside it.
func TestCheckLeavesNothingBesideAnImage(t *testing.T) {
	f := adopted(t, 50)
	image := filepath.Join(t.TempDir(), "image.db")
	write(t, image, read(t, f.path))
	if err := os.Chmod(image, 0o400); err != nil {
		t.Fatal(err)
	}
	if got := check(t, f, image); !slices.Equal(got, check(t, f, "")) {
		t.Error("image and file differ")
	}
	entries, err := os.ReadDir(filepath.Dir(image))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the image: %v, %v", entries, err)
	}
}

// An image whose program was killed has its newest rows in the log.
func TestCheckReadsTheLogOfAnImage(t *testing.T) {
	f := adopted(t, 5)
	p := startPython(t, f.path)
	p.exec("PRAGMA wal_autocheckpoint = 0")
	p.exec("DELETE FROM items WHERE id > 2")
	image := filepath.Join(t.TempDir(), "image.db")
	write(t, image, read(t, f.path))
	write(t, image+"-wal", read(t, f.path+"-wal"))
	if got := check(t, f, image); got[0].Rows != 2 {
		t.Errorf("got %v", got)
	}
}

// A File made for the image itself does the same.
func TestCheckOfAFileNobodyHasOpen(t *testing.T) {
	f := adopted(t, 50)
	if got := check(t, f, f.path); got[0].Rows != 50 {
		t.Errorf("got %v", got)
	}
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
	p := startPython(t, f.path)
	p.exec("DELETE FROM items WHERE id > 7")
	if got := check(t, f, f.path); got[0].Rows != 7 {
		t.Errorf("with a writer: got %v", got)
	}
}

// parts that only the program knows which made the file: its own module, tokenizer, sort order, function.
var foreignParts = map[string][]string{
	"module": {"CREATE VIRTUAL TABLE v USING fts5(x)", "UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE v USING vec0(x)' WHERE name = 'v'"},
	"tokenizer": {"CREATE VIRTUAL TABLE v USING fts5(x)", "INSERT INTO v VALUES ('hello')",
		"UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE v USING fts5(x, tokenize = own)' WHERE name = 'v'"},
	"sort order": {"CREATE INDEX i ON t (a)", "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a TEXT COLLATE own, n)' WHERE name = 't'"},
	"function in an index": {"CREATE INDEX i ON t (abs(n))",
		"UPDATE sqlite_schema SET sql = replace(sql, 'abs', 'own') WHERE name = 'i'"},
	"function in a column": {"ALTER TABLE t ADD COLUMN c AS (abs(n))",
		"UPDATE sqlite_schema SET sql = replace(sql, 'abs', 'own') WHERE name = 't'"},
}

func TestForeignPartsDoNotHinder(t *testing.T) {
	for name, statements := range foreignParts {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			makeDB(t, f.path, append([]string{"CREATE TABLE t (a TEXT, n)", "INSERT INTO t VALUES ('a', 1), ('b', 2)",
				"PRAGMA writable_schema = ON"}, statements...)...)
			if _, err := f.Adopt(t.Context()); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(check(t, f, ""), func(h app.TableHash) bool { return h.Table == "t" && h.Rows == 2 })
			if i < 0 {
				t.Error("table t was not hashed")
			}
			b := read(t, f.path)
			copy(b[4096:], bytes.Repeat([]byte{0xa5}, 100)) // the first page of t
			image := filepath.Join(t.TempDir(), "image.db")
			write(t, image, b)
			_, err := f.Check(t.Context(), image)
			wantCode(t, err, app.CodeDamaged)
		})
	}
}

func TestCheckLiveSeesOneMoment(t *testing.T) {
	f := adopted(t, 200)
	p := startPython(t, f.path)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			if _, err := p.try("UPDATE items SET body = 'round %d'", i); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 20 {
		if h := check(t, f, ""); h[0].Rows != 200 {
			t.Errorf("got %v", h)
		}
	}
	<-done
	rounds := map[string]bool{}
	for i := range 50 {
		rounds[fmt.Sprintf("round %d", i)] = true
	}
	if got := ask(t, f.path, "SELECT DISTINCT body FROM items"); !rounds[got] {
		t.Errorf("got %q", got)
	}
}
