//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// process is a running program under watch.
type process struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan error
}

// start runs a program whose output goes to a file.
func start(cmd *exec.Cmd, log string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p := &process{cmd: cmd, log: f, done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	return p, nil
}

// stop ends the program as a service manager does and waits for it, 60 s at most.
func (p *process) stop() error {
	defer func() { _ = p.log.Close() }()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the program ended early: %w, %w; see %s", err, <-p.done, p.log.Name())
	}
	select {
	case err := <-p.done:
		return err
	case <-time.After(time.Minute):
		return errors.Join(errors.New("the program did not end within a minute"), p.cmd.Process.Kill(), <-p.done)
	}
}

// ended tells whether the program has ended by itself.
func (p *process) ended() bool {
	select {
	case err := <-p.done:
		p.done <- err
		return true
	default:
		return false
	}
}

// usage is what a process has used since it started, and what it holds now.
type usage struct {
	at    time.Time
	cpu   time.Duration
	wakes int64 // voluntary context switches of all its threads
	rss   int64 // bytes
	pss   int64 // bytes; pages that other processes have too count in parts
	peak  int64 // bytes of RSS at most
}

func (p *process) usage() (usage, error) {
	pid := p.cmd.Process.Pid
	dir := fmt.Sprintf("/proc/%d", pid)
	u := usage{at: time.Now()}
	var err error
	if u.cpu, err = cpuTime(pid); err != nil {
		return u, fmt.Errorf("the program ended early: %w; see %s", err, p.log.Name())
	}
	for _, f := range []struct {
		file, name string
		to         *int64
	}{{"smaps_rollup", "Rss:", &u.rss}, {"smaps_rollup", "Pss:", &u.pss}, {"status", "VmHWM:", &u.peak}} {
		kib, err := statusField(filepath.Join(dir, f.file), f.name)
		if err != nil {
			return u, err
		}
		*f.to = kib << 10
	}
	u.wakes, err = wakes(dir)
	return u, err
}

// cpuTime is what a process and its threads, also those that ended, have used. The kernel counts it in nanoseconds,
// while /proc shows hundredths of a second, which is much for a program that idles.
func cpuTime(pid int) (time.Duration, error) {
	clock := uintptr(^pid<<3 | 2) // the id of a process's CPU clock, as clock_getcpuclockid(3) makes it
	var t syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0)
	if errno != 0 {
		return 0, errno
	}
	return time.Duration(t.Nano()), nil
}

func wakes(dir string) (int64, error) {
	tasks, err := filepath.Glob(filepath.Join(dir, "task", "*", "status"))
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, task := range tasks {
		n, err := statusField(task, "voluntary_ctxt_switches:")
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) { // a thread may end
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// statusField reads one number from a file of /proc.
func statusField(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == name {
			return strconv.ParseInt(string(f[1]), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// settle waits until the process used less than a fiftieth of a core for 3 s, and returns what it has used then.
func (p *process) settle(ctx context.Context) (usage, error) {
	const window = 3 * time.Second
	last, err := p.usage()
	for deadline := time.Now().Add(5 * time.Minute); err == nil; {
		if err := pause(ctx, window); err != nil {
			return last, err
		}
		var now usage
		if now, err = p.usage(); err != nil {
			return last, err
		}
		if now.cpu-last.cpu < window/50 {
			return now, nil
		}
		if last = now; now.at.After(deadline) {
			return last, fmt.Errorf("the program did not come to rest within five minutes; see %s", p.log.Name())
		}
	}
	return last, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
