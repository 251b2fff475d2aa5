//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

func isNoSpace(err error) bool        { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
func isReadOnlySystem(err error) bool { return errors.Is(err, unix.EROFS) }

// mayWrite asks whether this account may write what is at path, without opening it.
func mayWrite(path string) error { return unix.Access(path, unix.W_OK) }

// inode tells one file from another that has or had its name.
func inode(info fs.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d %d", s.Dev, s.Ino)
	}
	return ""
}
