package standalone

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

const errNotDir = syscall.ENOTDIR

// device identifies the volume that holds path.
func device(path string) (uint64, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	if _, err := os.Stat(abs); err != nil {
		return 0, err
	}
	root, err := windows.UTF16PtrFromString(filepath.VolumeName(abs) + `\`)
	if err != nil {
		return 0, err
	}
	var serial uint32
	if err := windows.GetVolumeInformation(root, nil, 0, &serial, nil, nil, nil, 0); err != nil {
		return 0, &os.PathError{Op: "volume", Path: abs, Err: err}
	}
	return uint64(serial), nil
}

// diskFree is what this user may still write at dir, in bytes.
func diskFree(dir string) (int64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, &os.PathError{Op: "free space", Path: dir, Err: err}
	}
	return int64(free), nil //nolint:gosec // no disk is that large
}

// writable is not asked on Windows, where a disk does not become writable under an open file.
func writable(string) bool { return true }

// syncDir does nothing: Windows makes renames durable by itself, as far as it does.
func syncDir(string) error { return nil }
