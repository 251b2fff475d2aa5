package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// store keeps one JSON value in one file, whole at any moment. Several processes may read it; one writes.
type store[T any] struct {
	path    string
	kind    string // names what the file is, in the file
	version int    // of the format; a file of a newer one is refused
	check   func(T) error
}

// envelope is the content of the file.
type envelope[T any] struct {
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	Data    T      `json:"data"`
}

var (
	errForeign = errors.New("not a file of this kind")
	errNewer   = errors.New("a newer format version")
)

// load returns the zero value where there is no file. A torn or foreign file is moved aside: then the value is zero too
// and damaged says where the file was moved.
func (s store[T]) load() (value T, damaged *app.Error, err error) {
	raw, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return value, nil, nil
	}
	if err != nil {
		return value, nil, fileError("read", s.path, err)
	}
	value, cause := s.decode(raw)
	if errors.Is(cause, errNewer) {
		return value, nil, app.Errorf(app.CodeRefused, "read", "%s was written by a newer version of this program.", s.path).
			WithHint("Install the newer version again, or move the file away.").Wrap(cause)
	}
	if cause != nil {
		damaged, err = s.setAside(cause)
	}
	return value, damaged, err
}

func (s store[T]) decode(raw []byte) (zero T, err error) {
	var e envelope[T]
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&e); err != nil {
		return zero, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return zero, errForeign
	}
	if e.Kind != s.kind || e.Version < 1 {
		return zero, errForeign
	}
	if e.Version > s.version {
		return zero, errNewer
	}
	if err := s.check(e.Data); err != nil {
		return zero, err
	}
	return e.Data, nil
}

// setAside renames the file; nobody's content is ever overwritten or dropped.
func (s store[T]) setAside(cause error) (*app.Error, error) {
	kept := s.path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(s.path, kept); err != nil {
		return nil, fileError("move a damaged file aside", s.path, err)
	}
	name := filepath.Base(s.path)
	return app.Errorf(app.CodeDamaged, "read", "%s could not be read. It was kept as %s.", name, filepath.Base(kept)).
		WithHint("Look at the file in %s; the program goes on without what it said.", filepath.Dir(s.path)).
		Wrap(cause), nil
}

// save replaces the file's content. When it returns nil the value survives a power cut.
func (s store[T]) save(value T) error {
	raw, err := json.MarshalIndent(envelope[T]{Kind: s.kind, Version: s.version, Data: value}, "", "  ")
	if err != nil {
		return app.Errorf(app.CodeFailed, "save", "%s could not be written.", filepath.Base(s.path)).Wrap(err)
	}
	if err := WriteFile(s.path, append(raw, '\n')); err != nil {
		return err
	}
	return nil
}
