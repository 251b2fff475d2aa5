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

// syncDir does nothing: Windows makes renames durable by itself, as far as it does.
func syncDir(string) error { return nil }
