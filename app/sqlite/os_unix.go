//go:build unix

package sqlite

import (
	"errors"

	"golang.org/x/sys/unix"
)

func isNoSpace(err error) bool        { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
func isReadOnlySystem(err error) bool { return errors.Is(err, unix.EROFS) }

// mayWrite asks whether this account may write what is at path, without opening it.
func mayWrite(path string) error { return unix.Access(path, unix.W_OK) }
