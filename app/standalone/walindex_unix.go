//go:build unix

package standalone

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Bytes of the -shm file that SQLite locks (unixShmMap and WAL_WRITE_LOCK, WAL_CKPT_LOCK in its source).
const (
	writeLockByte      = 120
	checkpointLockByte = 121
)

// openWALIndex opens the -shm file of a database that this process has open through SQLite.
func openWALIndex(dbPath string) (*walIndex, error) {
	f, err := os.Open(dbPath + "-shm")
	return &walIndex{f}, err
}

// blockedCheckpoint tells that another process holds both the checkpoint and the write lock: it is in a checkpoint
// that waits for readers (FULL, RESTART or TRUNCATE), and all writers wait for it.
func (x *walIndex) blockedCheckpoint() bool {
	return x.f != nil && x.lockedByOther(checkpointLockByte) && x.lockedByOther(writeLockByte)
}

func (x *walIndex) lockedByOther(at int64) bool {
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: at, Len: 1}
	err := unix.FcntlFlock(x.f.Fd(), unix.F_GETLK, &lk)
	return err == nil && lk.Type != unix.F_UNLCK
}
