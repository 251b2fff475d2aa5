package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// errHeld is what lockFile returns when another open file holds the lock.
var errHeld = errors.New("the lock is held")

// Held is a lock that was taken: the right to be the one agent of a home. The system takes it back when the process
// ends, also by kill -9.
type Held struct{ file *os.File }

// Lock takes the lock at path, creating the file and its folder (0700) where they are missing, and writes this
// process's id into it where the disk has room for it. It never waits: CodeBusy names the process that holds it.
func Lock(path string) (*Held, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, lockFailed(path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, lockFailed(path, err)
	}
	if err := claim(file); err != nil {
		_ = file.Close() // what matters is why the lock was not taken
		return nil, err
	}
	return &Held{file: file}, nil
}

// Release gives the lock back. The file stays: removing it would let two agents hold locks of different files of the
// same name.
func (h *Held) Release() error {
	if err := h.file.Truncate(0); err != nil {
		return errors.Join(err, h.file.Close())
	}
	return h.file.Close()
}

func claim(file *os.File) error {
	err := lockFile(file)
	if errors.Is(err, errHeld) {
		return heldBy(file)
	}
	if err == nil {
		err = writePID(file)
	}
	if err != nil && !isNoSpace(err) { // the id is for people; on a full disk memories must still be copied and come back
		return lockFailed(file.Name(), err)
	}
	return nil
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

// heldBy names the holder where it has written its id already.
func heldBy(file *os.File) error {
	who := ""
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 32))
	if pid, convErr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && convErr == nil {
		who = fmt.Sprintf(" (process %d)", pid)
	}
	return app.Errorf(app.CodeBusy, "lock", "CODITECT Sync is already running%s.", who).
		WithHint("Use the one that runs, or end it.").Typed(`Use the one that runs, or end it with "coditect-sync quit".`)
}

func lockFailed(path string, err error) error {
	if isNoSpace(err) {
		return app.Errorf(app.CodeNoSpace, "lock", "The disk of %s is full.", filepath.Dir(path)).
			WithHint("Free some space.").Wrap(err)
	}
	return app.Errorf(codeOfFile(err), "lock", "The lock file %s cannot be used.", path).
		WithHint("The folder must be on a local disk and writable for you.").Wrap(err)
}

// codeOfFile sorts what the file system says.
func codeOfFile(err error) app.Code {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return app.CodeDenied
	case isNoSpace(err):
		return app.CodeNoSpace
	}
	return app.CodeFailed
}
