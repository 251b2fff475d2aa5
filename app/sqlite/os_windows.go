package sqlite

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

func isNoSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// mayWrite is not known on Windows before something is written.
func mayWrite(string) error { return nil }

func isReadOnlySystem(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

// inode tells one file from another that has or had its name: a copy is made at another moment.
func inode(info fs.FileInfo) string {
	if a, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		return strconv.FormatInt(a.CreationTime.Nanoseconds(), 10)
	}
	return ""
}
