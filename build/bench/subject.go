//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// subject is a program that replicates a file to a folder, in a directory of its own.
type subject struct {
	name    string
	dir     string
	db      string
	replica string // folder in which objects appear
	prepare []string
	run     []string
	env     []string
	restore func(to string) []string
}

// ours keeps home, target and file under dir.
func ours(program, dir string) subject {
	home, target, db := filepath.Join(dir, "home"), filepath.Join(dir, "target"), filepath.Join(dir, "context.db")
	with := func(args ...string) []string { return append([]string{program, "--home", home}, args...) }
	return subject{
		name: "ours", dir: dir, db: db, replica: target,
		prepare: with("setup", "--db", db, "--target", (&url.URL{Scheme: "file", Path: target}).String(), "--user", "bench"),
		run:     with("agent", "--headless"),
		env:     []string{"CODITECT_SYNC_MODE=standalone"},
		restore: func(to string) []string { return with("restore", "--latest", "--to", to, "--yes") },
	}
}

// stock is litestream with its defaults.
func stock(program, dir string) (subject, error) {
	target, db, config := filepath.Join(dir, "target"), filepath.Join(dir, "context.db"), filepath.Join(dir, "litestream.yml")
	text := fmt.Sprintf("dbs:\n  - path: %q\n    replica:\n      type: file\n      path: %q\n", db, target)
	err := os.WriteFile(config, []byte(text), 0o600)
	return subject{
		name: "stock", dir: dir, db: db, replica: target,
		run:     []string{program, "replicate", "-config", config},
		restore: func(to string) []string { return []string{program, "restore", "-config", config, "-o", to, db} },
	}, err
}

// subjects are both programs, each in its own folder below dir with its own copy of the file at from. Who comes first
// changes from round to round.
func subjects(o options, dir, from string, round int) ([]subject, error) {
	for _, name := range []string{"ours", "stock"} {
		sub := filepath.Join(dir, name)
		if err := os.RemoveAll(sub); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Join(sub, "target"), 0o700); err != nil {
			return nil, err
		}
		if err := copyFile(from, filepath.Join(sub, "context.db")); err != nil {
			return nil, err
		}
	}
	s, err := stock(o.stock, filepath.Join(dir, "stock"))
	both := []subject{ours(o.program, filepath.Join(dir, "ours")), s}
	if round%2 == 1 {
		slices.Reverse(both)
	}
	return both, err
}

func copyFile(from, to string) error { return exec.Command("cp", from, to).Run() }

// setUp prepares replication, where the program asks for that, and returns how long it took.
func (s subject) setUp(ctx context.Context) (time.Duration, error) {
	if s.prepare == nil {
		return 0, nil
	}
	used, err := timed(exec.CommandContext(ctx, s.prepare[0], s.prepare[1:]...))
	return used.took, err
}

// start begins replication.
func (s subject) start() (*process, error) {
	cmd := exec.Command(s.run[0], s.run[1:]...)
	cmd.Env = append(os.Environ(), s.env...)
	return start(cmd, filepath.Join(s.dir, "log"))
}

// copied waits until the target holds an object that begins at the file's first transaction, which makes the file
// restorable, and returns when.
func (s subject) copied(ctx context.Context, p *process) (time.Time, error) {
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); {
		if found, err := s.hasFirst(); err != nil || found {
			return time.Now(), err
		}
		if p != nil && p.ended() {
			return time.Time{}, fmt.Errorf("%s ended; see %s", s.name, p.log.Name())
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, fmt.Errorf("%s made no copy within ten minutes", s.name)
}

func (s subject) hasFirst() (found bool, err error) {
	_, err = s.objects(func(name string) { found = found || strings.HasPrefix(name, "0000000000000001-") })
	return found, err
}

// objects calls see with the name of each object at the target and returns the sum of their sizes.
func (s subject) objects(see func(name string)) (bytes int64, err error) {
	err = filepath.WalkDir(s.replica, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a temporary file that has just got its name
			return nil
		}
		if err != nil || filepath.Ext(path) != ".ltx" {
			return err
		}
		see(filepath.Base(path))
		if info, err := d.Info(); err == nil { // it may be thinned away just now
			bytes += info.Size()
		}
		return nil
	})
	return bytes, err
}

// bring restores the newest moment into a new file.
func (s subject) bring(ctx context.Context, to string) (spent, error) {
	syscall.Sync()
	args := s.restore(to)
	return timed(exec.CommandContext(ctx, args[0], args[1:]...))
}

// proved restores the newest moment and holds it against the file, which nobody writes now.
func (s subject) proved(ctx context.Context) error {
	to := filepath.Join(s.dir, "proof.db")
	_, err := s.bring(ctx, to)
	if err == nil {
		err = sameRows(ctx, s.db, to)
	}
	if err != nil {
		return fmt.Errorf("%s did not copy everything: %w", s.name, err)
	}
	return os.Remove(to)
}

// spent is what a program that ended has used.
type spent struct {
	took, cpu time.Duration
	rss       int64 // bytes at most, and no less than this program had when it started that one
}

func timed(cmd *exec.Cmd) (spent, error) {
	began := time.Now()
	out, err := cmd.CombinedOutput()
	s := spent{took: time.Since(began)}
	if err != nil {
		return s, fmt.Errorf("%q: %w: %s", cmd.Args, err, out)
	}
	rusage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return s, fmt.Errorf("%q: its use of memory is not known", cmd.Args)
	}
	s.cpu, s.rss = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), rusage.Maxrss<<10
	return s, nil
}
