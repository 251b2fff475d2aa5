package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/coditect-ai/coditect-sync/app"
)

// WriteFile makes path's content data, readable by this user only, so that a crash at any moment leaves either the old
// content or the new one. The folder is created where it is missing.
func WriteFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fileError("save", path, err)
	}
	tmp, err := writeTemp(dir, filepath.Base(path), data)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return errors.Join(fileError("save", path, err), removeTemp(tmp))
	}
	return nil
}

// writeTemp returns the name of a flushed file of mode 0600, and the name also beside an error where the file exists.
func writeTemp(dir, base string, data []byte) (string, error) {
	f, err := os.CreateTemp(dir, "."+base+".tmp-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return f.Name(), errors.Join(err, f.Close())
}

func removeTemp(name string) error {
	if name == "" {
		return nil
	}
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fileError turns an error of the file system into a sentence.
func fileError(op, path string, err error) error {
	switch {
	case errors.Is(err, syscall.EROFS):
		return app.Errorf(app.CodeDenied, op, "%s is on a read-only file system.", path).
			WithHint("Use a home directory that can be written to.").Typed("Use a home directory that can be written to (--home or %s).", EnvHome).Wrap(err)
	case errors.Is(err, fs.ErrPermission):
		return app.Errorf(app.CodeDenied, op, "This user has no permission for %s.", path).
			WithHint("Give this user the right to read and write there, or use another home directory.").Wrap(err)
	case isDiskFull(err):
		return app.Errorf(app.CodeNoSpace, op, "The disk is full: %s could not be written.", path).
			WithHint("Free some space; what was there before is unchanged.").Wrap(err)
	}
	return app.Errorf(app.CodeFailed, op, "%s cannot be used.", path).Wrap(err)
}
