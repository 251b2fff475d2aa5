//go:build unix

package standalone

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// readFile reads a file into buf, or what it grows to, by the system's own calls: os.File is made for files that are waited
// for, and asks the system twice as often, which is most of the time that a small file takes. A read that ends where the file
// is known to end, with room left, is the last one.
func readFile(name string, size int64, buf []byte) ([]byte, error) {
	fd, err := retried(func() (int, error) { return syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer func() { _ = syscall.Close(fd) }() // only read
	return readAll(func(room []byte) (int, error) {
		n, err := retried(func() (int, error) { return syscall.Read(fd, room) })
		if err != nil {
			return 0, &os.PathError{Op: "read", Path: name, Err: err}
		}
		if size -= int64(n); n == 0 || size == 0 && n < len(room) {
			return n, io.EOF
		}
		return n, nil
	}, buf)
}

// retried does again what a signal interrupted.
func retried(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
