//go:build unix

package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// A test that kills starts the test binary as a child: these name its job, its arguments and the step it dies at.
const (
	childJob  = "CODITECT_TEST_JOB"
	childArgs = "CODITECT_TEST_ARGS"
	childDies = "CODITECT_TEST_DIES"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childJob); job != "" {
		if err := child(job, strings.Split(os.Getenv(childArgs), "\n")); err != nil {
			fmt.Fprintln(os.Stderr, app.CodeOf(err), err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child does the job, and kills itself at the step its environment names (0: the first).
func child(job string, args []string) error {
	at, err := strconv.Atoi(os.Getenv(childDies))
	if err != nil {
		return err
	}
	step := func() {
		if at--; at < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal arrives
		}
	}
	f, err := New(Config{Path: args[0]})
	if err != nil {
		return err
	}
	f.step, f.chunk = func(string) { step() }, testChunk
	switch job {
	case "adopt":
		_, err := f.Adopt(context.Background())
		return err
	case "create":
		return f.Create(context.Background())
	case "replace":
		_, err := f.Replace(context.Background(), args[1], func() error { step(); return nil }, func(int64, int64) { step() })
		return err
	case "pull":
		return childPull(f, args[1])
	case "install":
		_, err := f.InstallImage(context.Background(), args[1])
		return err
	case "enrol":
		return f.Enrol(context.Background(), ours(), nil)
	case "drain":
		return drainAll(f)
	case "push":
		return pushToFolder(f, args[1], step)
	}
	return fmt.Errorf("no job %q", job)
}

// killedAt runs the job in a child that is killed at the step, and tells whether it came that far.
func killedAt(t *testing.T, step int, job string, args ...string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childJob+"="+job, childArgs+"="+strings.Join(args, "\n"), childDies+"="+strconv.Itoa(step))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		t.Fatalf("%s: %v: %s", job, err, out)
	}
	return true
}

// Killed at each step, from nothing and from an older file with data: the next call completes it.
func TestCreateSurvivesAKillAtEveryStep(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, path string){
		"new":   func(*testing.T, string) {},
		"older": makeFirstVersion,
	} {
		t.Run(name, func(t *testing.T) {
			model := newFile(t)
			if err := model.Create(t.Context()); err != nil {
				t.Fatal(err)
			}
			steps := 0
			for ; ; steps++ {
				f := newFile(t)
				prepare(t, f.path)
				if !killedAt(t, steps, "create", f.path) {
					break
				}
				if err := f.Create(t.Context()); err != nil {
					t.Fatalf("step %d: %v", steps, err)
				}
				wantSchemaOf(t, f.path, model.path)
				check(t, f, "")
				if name == "older" && ask(t, f.path, "SELECT content FROM messages WHERE id = 'm1'") != "kept" {
					t.Errorf("step %d: row lost", steps)
				}
			}
			if steps < 10 {
				t.Errorf("killed at %d steps only", steps)
			}
		})
	}
}

// Killed with the lock held, before the first page and after each few megabytes: every row is as it was.
func TestReplaceSurvivesAKill(t *testing.T) {
	image := imageOf(t, 4096, 500)
	f := adopted(t, 500)
	hashes := check(t, f, "")
	p := startPython(t, f.path)
	p.exec("SELECT count(*) FROM items")
	steps := int(size(t, image)) / f.chunk
	for step := range steps { // the step after the last one commits
		if !killedAt(t, step, "replace", f.path, image) {
			t.Fatalf("step %d was not reached", step)
		}
		if got := p.exec("SELECT count(*) FROM items"); got[0] != "500" {
			t.Errorf("step %d: an open connection got %v", step, got)
		}
		if got := check(t, f, ""); !slices.Equal(got, hashes) {
			t.Errorf("step %d: got %v, want %v", step, got, hashes)
		}
	}
	p.exec("INSERT INTO items (body) VALUES ('after')")
	replace(t, f, image)
	if got := check(t, f, ""); !slices.Equal(got, check(t, f, image)) {
		t.Errorf("got %v", got)
	}
}

// Killed between the moves: nothing is lost, no log is left for a wrong file, and the next call completes it.
func TestInstallImageSurvivesAKill(t *testing.T) {
	steps := 0
	for ; ; steps++ {
		f := adopted(t, 300)
		damaged := spoil(t, f.path)
		write(t, f.path+"-wal", []byte("torn log"))
		image := f.path + ".image"
		makeItems(t, image, 4096, "restored", 20)
		if !killedAt(t, steps, "install", f.path, image) {
			break
		}
		if _, err := f.InstallImage(t.Context(), image); err != nil {
			t.Fatalf("step %d: %v", steps, err)
		}
		if got := check(t, f, ""); got[0].Rows != 20 {
			t.Errorf("step %d: got %v", steps, got)
		}
		var kept [][]byte
		matches, err := filepath.Glob(f.path + ".damaged-*")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range matches {
			kept = append(kept, read(t, m))
		}
		for _, want := range [][]byte{damaged, []byte("torn log")} {
			if !slices.ContainsFunc(kept, func(b []byte) bool { return bytes.Equal(b, want) }) {
				t.Errorf("step %d: %d bytes were not kept, only %v", steps, len(want), matches)
			}
		}
	}
	if steps < 4 {
		t.Errorf("killed at %d steps only", steps)
	}
}
