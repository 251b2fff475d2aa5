//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// The bytes SQLite locks: in the database from its pending byte on, and in the -shm file. A connection in WAL mode
// keeps a shared lock on both for as long as it is open.
var (
	databaseLocks = span{0x40000000, 512}
	shmLocks      = span{120, 9}
)

type span struct{ start, length int64 }

func (s span) lock(kind int16) *unix.Flock_t {
	return &unix.Flock_t{Type: kind, Whence: 0, Start: s.start, Len: s.length}
}

// holders returns an error that names a process which has the file open, nil if there is none. It opens the file, so
// this process must have no connection to it.
func holders(path string) error {
	if err := openers(path); err != nil {
		return err
	}
	if err := locked(path, databaseLocks); err != nil {
		return err
	}
	return locked(path+"-shm", shmLocks)
}

func locked(path string, s span) (err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lock := s.lock(unix.F_WRLCK)
	if err := unix.FcntlFlock(file.Fd(), unix.F_GETLK, lock); err != nil {
		return err
	}
	if lock.Type == unix.F_UNLCK {
		return nil
	}
	return inUse(path, process(int(lock.Pid)))
}

// claim keeps others out of the file while it is moved: with the lock held, a program that opens it now waits, as it
// does for any writer. A missing file needs no lock, but may still be open where it went.
func claim(path string) (release func() error, err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, holders(path)
	}
	if err != nil {
		return nil, err
	}
	err = unix.FcntlFlock(file.Fd(), unix.F_SETLK, databaseLocks.lock(unix.F_WRLCK))
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		err = inUse(path, "Another program")
	}
	if err == nil {
		err = errors.Join(locked(path+"-shm", shmLocks), newcomer(path))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file.Close, nil
}

// newcomer finds a program that opened the file between the first look and the lock.
func newcomer(path string) error {
	pids, err := openedBy(path)
	for _, pid := range pids {
		if pid != os.Getpid() {
			return inUse(path, process(pid))
		}
	}
	return err
}

func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func process(pid int) string {
	if name := processName(pid); name != "" {
		return fmt.Sprintf("%s (process %d)", name, pid)
	}
	if pid > 0 {
		return fmt.Sprintf("Process %d", pid)
	}
	return "Another program"
}
