package standalone

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// What Windows answers on a full disk or quota, on a disk that cannot be written, and on one that went away.
var (
	fullErrnos     = []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED}
	readOnlyErrnos = []syscall.Errno{windows.ERROR_WRITE_PROTECT}
	goneErrnos     = []syscall.Errno{
		windows.ERROR_NOT_READY, windows.ERROR_BAD_NETPATH, windows.ERROR_NETNAME_DELETED, windows.ERROR_DEV_NOT_EXIST,
		windows.ERROR_BAD_NET_NAME, windows.ERROR_IO_DEVICE,
	}
)
