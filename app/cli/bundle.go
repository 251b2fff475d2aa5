package cli

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
)

// bundleWhat says what the files of a bundle are.
var bundleWhat = map[string]string{
	"about.json":    "versions and system",
	"status.json":   "the status, as status --json shows it",
	"doctor.json":   "these findings",
	"activity.json": "what happened lately",
	"prefs.json":    "the preferences",
	"agent.log":     "the end of the log",
}

// writeBundle writes what a report needs to a new file and returns what is in it, a line for each.
func (p *program) writeBundle(ctx context.Context, s *session, path string) ([]string, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	files, err := s.Diagnostics(ctx)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, app.Errorf(app.CodeRefused, "doctor", "%s exists already.", path).WithHint("Choose another name; nothing is overwritten.")
	case err != nil:
		return nil, app.Errorf(app.CodeDenied, "doctor", "%s cannot be written.", path).
			WithHint("Name a file in a folder that is there and that you may write.").Wrap(err)
	}
	if err := errors.Join(zipped(file, files), file.Close()); err != nil {
		return nil, app.Errorf(app.CodeFailed, "doctor", "%s could not be written to its end.", path).
			WithHint("Free some space on its disk, or name a file on another.").Wrap(err)
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, fmt.Sprintf("%s (%s): %s", name, amount(int64(len(files[name]))), bundleWhat[name]))
	}
	return list, nil
}

func zipped(w io.Writer, files map[string]string) error {
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := z.Create(name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, files[name]); err != nil {
			return err
		}
	}
	return z.Close()
}
