package apptest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

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

// BringBack puts the image's rows that the file lacks behind those it has.
func (f *FakeFile) BringBack(_ context.Context, image string, choice app.Choice, dry bool, _ func(done, total int64)) (app.Back, error) {
	if len(choice.Tables) != 1 || choice.Tables[0] != "items" {
		return app.Back{}, app.Errorf(app.CodeInvalid, "restore", "There is no table %v.", choice.Tables).WithHint("Choose items.")
	}
	then, err := readImage(image)
	if err != nil {
		return app.Back{}, app.Errorf(app.CodeDamaged, "restore", "The image is damaged.").Wrap(err)
	}
	now := f.content()
	missing := slices.DeleteFunc(then, func(row string) bool { return slices.Contains(now, row) })
	if !dry && len(missing) > 0 {
		w := f.world
		w.writer.Lock()
		defer w.writer.Unlock()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.commit(append(slices.Clone(w.rows), missing...))
	}
	return app.Back{Tables: []app.TableBack{{Table: "items", Again: int64(len(missing))}}}, nil
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

// Capture says that nothing is recorded.
func (f *FakeFile) Capture(context.Context) (app.Capture, error) {
	if f.OnCapture != nil {
		return f.OnCapture(), nil
	}
	return app.Capture{}, nil
}

// Unenrol calls OnUnenrol.
func (f *FakeFile) Unenrol(context.Context) error {
	if f.OnUnenrol != nil {
		f.OnUnenrol()
	}
	return nil
}

// Wipe leaves the World's file without rows.
func (f *FakeFile) Wipe(context.Context, bool) error {
	w := f.world
	w.writer.Lock()
	defer w.writer.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commit(nil)
	return nil
}

// Lost is empty.
func (f *FakeFile) Lost(context.Context) ([]app.LostItem, error) { return nil, nil }

// ReapplyLost finds no item.
func (f *FakeFile) ReapplyLost(_ context.Context, id string) (app.LostItem, error) {
	return app.LostItem{}, noItem(id)
}

// KeepBoth finds no item.
func (f *FakeFile) KeepBoth(_ context.Context, id string) (app.LostItem, error) {
	return app.LostItem{}, noItem(id)
}

// DiscardLost finds no item.
func (f *FakeFile) DiscardLost(_ context.Context, id string) error { return noItem(id) }

// Projects finds none.
func (f *FakeFile) Projects(context.Context) ([]app.Project, error) {
	if f.OnProjects != nil {
		return f.OnProjects(), nil
	}
	return nil, nil
}

// ShareProject calls OnShare.
func (f *FakeFile) ShareProject(_ context.Context, id string, to app.Visibility, team string) error {
	if f.OnShare != nil {
		f.OnShare(id, to, team)
	}
	return nil
}

func noItem(id string) *app.Error {
	return app.Errorf(app.CodeNotFound, "lost", "There is no item %q in lost & found.", id)
}
