//go:build unix

package standalone

import "syscall"

// What systems answer on a full disk or quota, on a disk that cannot be written, and on one that went away.
var (
	fullErrnos     = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
	readOnlyErrnos = []syscall.Errno{syscall.EROFS}
	goneErrnos     = []syscall.Errno{
		syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ESTALE, syscall.EHOSTDOWN, syscall.EHOSTUNREACH,
		syscall.ETIMEDOUT, syscall.ENOTCONN,
	}
)
