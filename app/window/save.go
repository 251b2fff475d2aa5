package window

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// saveTexts writes texts to a new file for this user alone: one of them as it is, several, or what ends in .zip, as an
// archive. It overwrites nothing, and leaves nothing that is not whole.
func saveTexts(path string, files map[string]string) error {
	if len(files) == 0 {
		return app.Errorf(app.CodeInvalid, "save", "There is nothing to save.")
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return app.Errorf(app.CodeRefused, "save", "%s exists already.", path).WithHint("Choose another name; nothing is overwritten.")
	case err != nil:
		return app.Errorf(app.CodeDenied, "save", "%s cannot be written.", path).Wrap(err)
	}
	if err := errors.Join(write(file, files), file.Close()); err != nil {
		return app.Errorf(app.CodeFailed, "save", "%s could not be written to its end.", path).Wrap(errors.Join(err, os.Remove(path)))
	}
	return nil
}

func write(file *os.File, files map[string]string) error {
	names := slices.Sorted(maps.Keys(files))
	if len(names) == 1 && !strings.EqualFold(filepath.Ext(file.Name()), ".zip") {
		_, err := io.WriteString(file, files[names[0]])
		return err
	}
	z := zip.NewWriter(file)
	for _, name := range names {
		f, err := z.Create(filepath.Base(name))
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, files[name]); err != nil {
			return err
		}
	}
	return z.Close()
}
