package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
)

// InstallImage puts the image in the place of a live file that is missing or damaged; the image itself is gone then.
// A damaged file is moved aside with all that belongs to it, and kept is its new path ("" when the file was missing).
//
// It first proves that nobody has the file open, this process included: a program that goes on writing to a file that
// was moved loses what it writes. The caller has stopped everything of its own that opens the file; operations of this
// File are waited for, and held back meanwhile. The image must lie on the same disk.
//
// The error is CodeRefused when the live file is whole (use Replace), CodeBusy when somebody has it open; everything is
// then as it was.
func (f *File) InstallImage(ctx context.Context, image string) (kept string, err error) {
	if err := f.ensureChecked(ctx, image); err != nil {
		return "", err
	}
	open, err := f.shut(ctx)
	if err != nil {
		return "", classify("install", f.path, err)
	}
	defer open()
	f.salvage(ctx, image)
	in := installation{path: f.path, image: image, kept: unused(f.path + f.now().UTC().Format(".damaged-20060102T150405Z")), step: f.step}
	kept, err = in.run(ctx)
	if err == nil && kept != "" {
		f.log.Warn("damaged file moved aside", "kept", kept)
	}
	return kept, classify("install", f.path, err)
}

// unused is the path, or the path with a number, such that nothing kept before is overwritten.
func unused(path string) string {
	for n, candidate := 2, path; ; n, candidate = n+1, fmt.Sprintf("%s-%d", path, n) {
		taken := slices.ContainsFunc(parts, func(suffix string) bool {
			_, err := os.Lstat(candidate + suffix)
			return err == nil
		})
		if !taken {
			return candidate
		}
	}
}

// parts are the endings of the files that make a database, the database itself last.
var parts = []string{"-journal", "-wal", "-shm", ""}

// installation is one run of InstallImage, with the gate shut.
type installation struct {
	path, image, kept string
	moved             []string // what lies aside, by its name in place
	step              func(string)
}

func (in *installation) run(ctx context.Context) (kept string, err error) {
	there, err := in.replaceable(ctx)
	if err != nil {
		return "", err
	}
	if err := syncFile(in.image); err != nil {
		return "", err
	}
	unlock, err := claim(in.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := in.swap(); err != nil {
		return "", errors.Join(err, in.back())
	}
	if !there {
		return "", nil
	}
	return in.kept, nil
}

// replaceable tells whether the file is there, and refuses when it is whole or cannot be judged.
func (in *installation) replaceable(ctx context.Context) (there bool, err error) {
	if m, err := imageMode(in.image); err != nil {
		return false, err
	} else if m != modeImage {
		return false, app.Errorf(app.CodeInvalid, "install", "The image %s was not closed by the program that wrote it.", in.image).
			WithHint("Open it once with a program that can write it, so that its log is merged.")
	}
	if _, err := os.Lstat(in.path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if err := holders(in.path); err != nil {
		return true, err // before the file is read: whoever writes it is in the midst of it
	}
	err = checkIntegrity(ctx, in.path, modeRead)
	switch {
	case err == nil:
		return true, app.Errorf(app.CodeRefused, "install", "%s is whole and was left where it is.", in.path).
			WithHint("Restore into it.")
	case app.CodeOf(classify("install", in.path, err)) == app.CodeDamaged:
		return true, nil
	}
	return true, err
}

// swap moves the parts aside and the image in. The database itself goes last, so that a crash never leaves a log
// behind that SQLite would play into another file.
func (in *installation) swap() error {
	info, err := os.Stat(in.path)
	for _, suffix := range parts {
		in.step("move" + suffix)
		if err := in.aside(suffix); err != nil {
			return err
		}
	}
	if err == nil {
		if err := os.Chmod(in.image, info.Mode().Perm()); err != nil {
			return err
		}
	}
	in.step("install")
	if err := os.Rename(in.image, in.path); err != nil {
		return err
	}
	in.moved = nil // the image is in: nothing goes back any more
	return syncFolder(filepath.Dir(in.path))
}

func (in *installation) aside(suffix string) error {
	err := os.Rename(in.path+suffix, in.kept+suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		in.moved = append(in.moved, suffix)
	}
	return err
}

// back undoes what swap had done when it failed.
func (in *installation) back() error {
	var errs []error
	for i := len(in.moved) - 1; i >= 0; i-- {
		errs = append(errs, os.Rename(in.kept+in.moved[i], in.path+in.moved[i]))
	}
	return errors.Join(errs...)
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// inUse is the refusal to move a file that somebody has open.
func inUse(path, who string) error {
	return app.Errorf(app.CodeBusy, "install", "%s has %s open, so it was left where it is.", who, filepath.Base(path)).
		WithHint("Close that program and try again.")
}
