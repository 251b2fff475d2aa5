package standalone

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriteback asks the system to begin writing a range to the disk now, so that the fsync at the end has little
// left to wait for. It is a hint: a file system that does not know it just does all at the end.
func startWriteback(f *os.File, offset, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, n, unix.SYNC_FILE_RANGE_WRITE)
}
