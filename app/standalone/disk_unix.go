//go:build unix

package standalone

import (
	"errors"
	"os"
	"syscall"
)

const errNotDir = syscall.ENOTDIR

// device identifies the file system that holds path.
func device(path string) (uint64, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return uint64(st.Dev), nil //nolint:unconvert // its type differs between systems
}

// syncDir makes a change of names in a folder durable. Some network file systems cannot, and need not.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // only read
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
