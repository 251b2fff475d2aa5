package apptest

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/coditect-ai/coditect-sync/app"
)

// What the agent asks of a file beyond app.File. The World's file is always a foreign one: it has no context-memory
// schema and nothing to index.

// Exists tells whether the file is there.
func (f *FakeFile) Exists() (bool, error) {
	_, err := os.Lstat(f.world.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Create puts the World's rows at Path where no file is.
func (f *FakeFile) Create(context.Context) error {
	if there, err := f.Exists(); there || err != nil {
		return err
	}
	return writeImage(f.world.Path, f.content())
}

// Adopt is Inspect.
func (f *FakeFile) Adopt(ctx context.Context) (app.FileInfo, error) { return f.Inspect(ctx) }

// Inspect describes the file.
func (f *FakeFile) Inspect(context.Context) (app.FileInfo, error) {
	rows := f.content()
	return app.FileInfo{
		Bytes: sizeOf(rows), PageSize: 4096, JournalMode: "wal", Rows: map[string]int64{"items": int64(len(rows))},
	}, nil
}

// FillSearch has nothing to do but to call OnFillSearch.
func (f *FakeFile) FillSearch(context.Context) (int, error) {
	if f.OnFillSearch != nil {
		f.OnFillSearch()
	}
	return 0, nil
}

// InstallImage makes the image's rows the file's and keeps what was there beside it.
func (f *FakeFile) InstallImage(_ context.Context, image string) (kept string, err error) {
	rows, err := readImage(image)
	if err != nil {
		return "", app.Errorf(app.CodeDamaged, "restore", "The image is damaged.").Wrap(err)
	}
	w := f.world
	w.writer.Lock()
	defer w.writer.Unlock()
	if there, _ := f.Exists(); there {
		kept = w.Path + ".damaged"
		if err := os.Rename(w.Path, kept); err != nil {
			return "", err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commit(rows)
	return kept, nil
}

// Surroundings finds nothing wrong.
func (f *FakeFile) Surroundings(context.Context) []app.Finding {
	return []app.Finding{{Check: "folder", Level: app.LevelOK, Detail: "The file is on a local disk."}}
}
