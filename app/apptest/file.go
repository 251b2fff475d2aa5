package apptest

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.File = (*FakeFile)(nil)

// FakeFile is the World's live file. It lies in this: Check finds every file that is a JSON list of rows sound, Freeze
// and Replace hold the write lock against World.Write only, and nothing takes time.
//
// Each hook runs first where it is not nil; its error is returned and nothing else happens. Set them before use.
type FakeFile struct {
	OnCheck   func(path string) error
	OnFreeze  func() error
	OnReplace func(image string) error // with the write lock held and before having returned
	// OnFillSearch runs in FillSearch.
	OnFillSearch func()
	// OnCapture answers Capture, OnUnenrol runs in Unenrol.
	OnCapture func() app.Capture
	OnUnenrol func()
	// OnProjects answers Projects, OnShare runs in ShareProject.
	OnProjects func() []app.Project
	OnShare    func(id string, to app.Visibility, team string)
	// ReplaceTook is what Replace claims to have held the lock for.
	ReplaceTook time.Duration

	world *World
}

// File is the World's live file.
func (w *World) File() *FakeFile { return &FakeFile{world: w, ReplaceTook: time.Millisecond} }

// Path implements app.File.
func (f *FakeFile) Path() string { return f.world.Path }

// Check implements app.File.
func (f *FakeFile) Check(_ context.Context, path string) ([]app.TableHash, error) {
	if f.OnCheck != nil {
		if err := f.OnCheck(path); err != nil {
			return nil, err
		}
	}
	if path == "" || path == f.world.Path {
		return hashOf(f.content()), nil
	}
	rows, err := readImage(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, app.Errorf(app.CodeNotFound, "check", "There is no file %s.", path).Wrap(err)
	}
	if err != nil {
		return nil, app.Errorf(app.CodeDamaged, "check", "%s is damaged.", path).Wrap(err)
	}
	return hashOf(rows), nil
}

func (f *FakeFile) content() []string {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return slices.Clone(f.world.rows)
}

// Freeze implements app.File.
func (f *FakeFile) Freeze(_ context.Context, mark func() error) (app.Snapshot, error) {
	f.world.writer.Lock()
	defer f.world.writer.Unlock()
	if f.OnFreeze != nil {
		if err := f.OnFreeze(); err != nil {
			return nil, err
		}
	}
	if err := mark(); err != nil {
		return nil, err
	}
	return frozen{f.content()}, nil
}

type frozen struct{ rows []string }

func (s frozen) Hash(context.Context) ([]app.TableHash, error) { return hashOf(s.rows), nil }
func (s frozen) Close() error                                  { return nil }

// Replace implements app.File.
func (f *FakeFile) Replace(ctx context.Context, image string, before func() error, progress func(done, total int64)) (time.Duration, error) {
	rows, err := readImage(image)
	if err != nil {
		return 0, app.Errorf(app.CodeDamaged, "replace", "The image is damaged.").Wrap(err)
	}
	w := f.world
	w.writer.Lock()
	defer w.writer.Unlock()
	if err := before(); err != nil {
		return f.ReplaceTook, err
	}
	if f.OnReplace != nil {
		if err := f.OnReplace(image); err != nil {
			return f.ReplaceTook, err
		}
	}
	if ctx.Err() != nil {
		return f.ReplaceTook, canceled(ctx, "replace")
	}
	if progress != nil {
		progress(sizeOf(rows), sizeOf(rows))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commit(rows)
	return f.ReplaceTook, nil
}

// Compare holds an image against the live file. A row is its own key, so none is ever changed.
func (f *FakeFile) Compare(_ context.Context, image string, _ func(done, total int64)) ([]app.TableDiff, error) {
	then, err := readImage(image)
	if err != nil {
		return nil, app.Errorf(app.CodeDamaged, "compare", "The image is damaged.").Wrap(err)
	}
	now := f.content()
	d := app.TableDiff{Table: "items", Then: int64(len(then)), Now: int64(len(now))}
	d.Added, d.Examples = without(now, then, app.DiffAdded)
	removed, examples := without(then, now, app.DiffRemoved)
	d.Removed, d.Examples = removed, append(d.Examples, examples...)
	return []app.TableDiff{d}, nil
}

// without counts the rows that others lack.
func without(rows, others []string, kind app.DiffKind) (n int64, examples []app.RowDiff) {
	for _, row := range rows {
		if slices.Contains(others, row) {
			continue
		}
		n++
		if e := (app.RowDiff{Kind: kind, ID: row}); kind == app.DiffAdded {
			e.Now = row
			examples = append(examples, e)
		} else {
			e.Then = row
			examples = append(examples, e)
		}
	}
	return n, examples[:min(len(examples), 10)]
}
