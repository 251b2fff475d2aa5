package sqlite

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
)

// holders returns an error when somebody has the file open: an opening that shares nothing fails then.
func holders(path string) error {
	release, err := claim(path)
	if err != nil {
		return err
	}
	return release()
}

// claim proves that nobody has the file open. It cannot stay open while it is moved; SQLite opens files so that they
// cannot be moved, so a program that comes in between makes the move fail, and nothing is changed.
func claim(path string) (release func() error, err error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, 0, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return func() error { return nil }, nil
	case errors.Is(err, windows.ERROR_SHARING_VIOLATION):
		return nil, inUse(path, "Another program")
	case err != nil:
		return nil, err
	}
	return func() error { return nil }, windows.CloseHandle(handle)
}

// syncFolder does nothing: Windows offers no such thing, and NTFS logs names.
func syncFolder(string) error { return nil }
