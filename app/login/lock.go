package login

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// lockWithin is how long another process may use the refresh token. Its requests are limited to less.
	lockWithin = 45 * time.Second
	// lockEvery is how often it looks meanwhile.
	lockEvery = 20 * time.Millisecond
)

// errHeld is what lockFile returns when another open file holds the lock.
var errHeld = errors.New("the lock is held")

// held is the right to use the refresh token of a home. The system takes it back when the process ends, however it ends.
type held struct{ file *os.File }

// release gives it back. The file stays: two processes could else hold locks of different files of the same name.
func (h held) release() { _ = h.file.Close() }

// lock waits for the right to use the refresh token, against other processes.
func (s *Session) lock(ctx context.Context) (held, error) {
	path := filepath.Join(s.c.Home, "login", "lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return held{}, lockFailed(path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return held{}, lockFailed(path, err)
	}
	if err := claim(ctx, file); err != nil {
		_ = file.Close() // what matters is why the lock was not taken
		return held{}, err
	}
	return held{file}, nil
}

func claim(ctx context.Context, file *os.File) error {
	limited, cancel := context.WithTimeout(ctx, lockWithin)
	defer cancel()
	look := time.NewTicker(lockEvery)
	defer look.Stop()
	for {
		err := lockFile(file)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errHeld) {
			return lockFailed(file.Name(), err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return canceled(ctx)
		case <-limited.Done():
			return app.Errorf(app.CodeBusy, op, "Another process of CODITECT Sync is signing in.").WithHint("It is tried again by itself.")
		}
	}
}

func lockFailed(path string, err error) error {
	return app.Errorf(app.CodeDenied, op, "The lock file %s cannot be used.", path).
		WithHint("The folder must be on a local disk and writable for you.").Wrap(err)
}
