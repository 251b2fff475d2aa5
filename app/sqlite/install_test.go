package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// spoil makes the file unreadable, as a broken disk does. No process has it open.
func spoil(t *testing.T, path string) []byte {
	t.Helper()
	b := read(t, path)
	copy(b[len(b)/2:], bytes.Repeat([]byte{0xa5}, 4096))
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestInstallImageKeepsADamagedFileAside(t *testing.T) {
	f := adopted(t, 300)
	if err := os.Chmod(f.path, 0o640); err != nil {
		t.Fatal(err)
	}
	damaged := spoil(t, f.path)
	write(t, f.path+"-wal", []byte("torn log"))
	image := filepath.Join(filepath.Dir(f.path), "image.db")
	makeItems(t, image, 4096, "restored", 20)
	want := check(t, f, image)
	kept, err := f.InstallImage(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, kept), damaged) || string(read(t, kept+"-wal")) != "torn log" {
		t.Error("what was kept is not what was there")
	}
	if got := check(t, f, ""); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if info, err := os.Stat(f.path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(image); err == nil {
		t.Error("the image is still there")
	}
}

func TestInstallImageWhereTheFileIsMissing(t *testing.T) {
	f := newFile(t)
	image := f.path + ".image"
	makeItems(t, image, 4096, "restored", 20)
	write(t, f.path+"-wal", []byte("log of the file that went"))
	kept, err := f.InstallImage(t.Context(), image)
	if err != nil || kept != "" {
		t.Fatalf("kept %q, %v", kept, err)
	}
	if got := check(t, f, ""); got[0].Rows != 20 {
		t.Errorf("got %v", got)
	}
}

func TestInstallImageRefusesAWholeFile(t *testing.T) {
	f := adopted(t, 5)
	image := f.path + ".image"
	makeItems(t, image, 4096, "restored", 20)
	_, err := f.InstallImage(t.Context(), image)
	wantCode(t, err, app.CodeRefused)
	if got := check(t, f, ""); got[0].Rows != 5 {
		t.Errorf("got %v", got)
	}
}

func TestInstallImageRefusesADamagedImage(t *testing.T) {
	f := adopted(t, 300)
	damaged := spoil(t, f.path)
	image := f.path + ".image"
	makeItems(t, image, 4096, "restored", 300)
	spoil(t, image)
	_, err := f.InstallImage(t.Context(), image)
	wantCode(t, err, app.CodeDamaged)
	if !bytes.Equal(read(t, f.path), damaged) {
		t.Error("the file changed")
	}
}

// A program that has the file open would go on writing to the file that was moved away.
func TestInstallImageRefusesAFileThatIsOpen(t *testing.T) {
	for _, journal := range []string{"WAL", "DELETE"} {
		t.Run(journal, func(t *testing.T) {
			peers(t, func(t *testing.T, start func(testing.TB, string) *peer) {
				f := newFile(t)
				makeItems(t, f.path, 4096, "live", 300)
				makeDB(t, f.path, "PRAGMA journal_mode = "+journal)
				p := start(t, f.path)
				p.exec("SELECT count(*) FROM sqlite_schema")
				damaged := spoil(t, f.path)
				image := f.path + ".image"
				makeItems(t, image, 4096, "restored", 20)
				_, err := f.InstallImage(t.Context(), image)
				wantCode(t, err, app.CodeBusy)
				if !bytes.Equal(read(t, f.path), damaged) {
					t.Error("the file changed")
				}
				p.stop()
				if _, err := f.InstallImage(t.Context(), image); err != nil {
					t.Errorf("after the program ended: %v", err)
				}
			})
		})
	}
}

func TestInstallImageRefusesAFileThatWasDeletedWhileOpen(t *testing.T) {
	f := adopted(t, 5)
	p := startPython(t, f.path)
	p.exec("SELECT * FROM items")
	for _, path := range []string{f.path, f.path + "-wal", f.path + "-shm"} {
		if err := removeIfThere(path); err != nil {
			t.Fatal(err)
		}
	}
	image := f.path + ".image"
	makeItems(t, image, 4096, "restored", 20)
	_, err := f.InstallImage(t.Context(), image)
	wantCode(t, err, app.CodeBusy)
	if e := app.AsError("", err); !strings.Contains(e.Message, "python") {
		t.Errorf("said %q", e.Message)
	}
}

func TestInstallImageMovesBackWhenItFails(t *testing.T) {
	f := adopted(t, 300)
	damaged := spoil(t, f.path)
	image := f.path + ".image"
	makeItems(t, image, 4096, "restored", 20)
	f.step = func(step string) {
		if step == "install" {
			if err := os.Remove(image); err != nil {
				t.Error(err)
			}
		}
	}
	_, err := f.InstallImage(t.Context(), image)
	wantCode(t, err, app.CodeNotFound)
	if !bytes.Equal(read(t, f.path), damaged) {
		t.Error("the file is not back")
	}
}
