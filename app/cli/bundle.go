package cli

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// logTail is how much of the log's end goes into a bundle, in bytes.
const logTail = 256 << 10

// part is one file of a bundle.
type part struct {
	name, what string
	content    []byte
}

// writeBundle writes what a report needs to a new file and returns what is in it, a line for each.
func (p *program) writeBundle(ctx context.Context, s *session, path string, found []app.Finding) ([]string, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	parts, err := p.bundleParts(ctx, s, found)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, app.Errorf(app.CodeRefused, "doctor", "%s exists already.", path).WithHint("Choose another name; nothing is overwritten.")
	case err != nil:
		return nil, app.Errorf(app.CodeDenied, "doctor", "%s cannot be written.", path).Wrap(err)
	}
	if err := errors.Join(zipped(file, parts), file.Close()); err != nil {
		return nil, app.Errorf(app.CodeFailed, "doctor", "%s could not be written to its end.", path).Wrap(err)
	}
	var list []string
	for _, part := range parts {
		list = append(list, fmt.Sprintf("%s (%s): %s", part.name, amount(int64(len(part.content))), part.what))
	}
	return list, nil
}

func (p *program) bundleParts(ctx context.Context, s *session, found []app.Finding) ([]part, error) {
	layout, err := p.layout()
	if err != nil {
		return nil, err
	}
	st, err := s.Status(ctx)
	if err != nil {
		return nil, err
	}
	about := map[string]any{
		"program": p.version, "agent": st.Version, "agent_runs": !s.own, "os": runtime.GOOS, "arch": runtime.GOARCH,
		"go": runtime.Version(), "cpus": runtime.NumCPU(), "time": p.now().UTC(),
	}
	parts := []part{
		{"about.json", "versions and system", pretty(about)},
		{"status.json", "the status, as status --json shows it", pretty(st)},
		{"doctor.json", "these findings", pretty(orEmpty(found))},
		{"prefs.json", "the preferences", p.prefsPart(layout)},
		{"agent.log", "the end of the log", tailOf(layout.Log, logTail)},
	}
	hide := newRedactor(st.Machine)
	for i := range parts {
		parts[i].content = hide.redact(parts[i].content)
	}
	return parts, nil
}

// prefsPart is read without moving a damaged file aside: the bundle changes nothing.
func (p *program) prefsPart(layout config.Layout) []byte {
	text, err := os.ReadFile(layout.Prefs)
	if err != nil {
		return []byte(sentence(errors.Unwrap(err).Error()) + "\n")
	}
	return text
}

func pretty(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte(err.Error())
	}
	return append(text, '\n')
}

// tailOf is the end of a file from the first whole line on; what is missing is empty.
func tailOf(path string, limit int64) []byte {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.NewSectionReader(file, max(0, size-limit), limit))
	if err != nil {
		return nil
	}
	if size > limit {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}

func zipped(w io.Writer, parts []part) error {
	z := zip.NewWriter(w)
	for _, part := range parts {
		f, err := z.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := f.Write(part.content); err != nil {
			return err
		}
	}
	return z.Close()
}
