package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// patience is how long await goes on. It is only reached by what is broken.
const patience = 90 * time.Second

// TestScripts runs testdata/script. Besides the commands of testscript there are
//
//	exits N PROGRAM ARGS...     the program ends with status N
//	await PATTERN PROGRAM ARGS… the program is run again and again until its stdout matches
//	kill9 HOME                  ends the agent of HOME as a power cut would
//	flip FILE | cut FILE        damages a file
//	hold HOME | free HOME       takes the lock of HOME as an agent would that does not answer
//	newest VAR FOLDER           sets VAR to the newest .ltx file below FOLDER
//	away NAME | back NAME       breaks every connection to the part of the bucket with that name
func TestScripts(t *testing.T) {
	gcs := apptest.StartGCS(t, "memory")
	path := withTools(t, "filippo.io/age/cmd/age@v1.3.2", "filippo.io/age/cmd/age-keygen@v1.3.2", "github.com/benbjohnson/litestream/cmd/litestream@v0.5.18")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			ownHome(env)
			env.Setenv("PATH", env.Getenv("PATH")+string(filepath.ListSeparator)+path)
			env.Setenv("GCS", gcs.URL)
			env.Values[heldKey{}] = map[string]*local.Held{}
			env.Values[awayKey{}] = map[string]func(){}
			env.Defer(func() { endAgents(t, env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "await": await, "kill9": kill9, "flip": flip, "cut": cut, "newest": newest, "hold": hold, "free": free,
			"away": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Value(awayKey{}).(map[string]func())[args[0]] = gcs.Fault(apptest.On("", args[0]), apptest.Unplugged)
			},
			"back": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Value(awayKey{}).(map[string]func())[args[0]]()
			},
		},
	})
}

// ownHome gives a script a home of its own, and no keychain.
func ownHome(env *testscript.Env) {
	env.Setenv("CODITECT_HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TZ", "UTC")
	env.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(env.WorkDir, "no-bus"))
}

// withTools is a folder with programs of other people under their own names.
func withTools(t *testing.T, packages ...string) string {
	dir := t.TempDir()
	for _, pkg := range packages {
		tool := apptest.BuildTool(t, pkg)
		name, _, _ := strings.Cut(filepath.Base(pkg), "@")
		if err := os.Symlink(tool, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("usage: exits N PROGRAM ARGS...")
	}
	if got := statusOf(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_ = ts.Exec(args[1], args[2:]...) // its status may change on the way
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if !pauseFor(ctx, 100*time.Millisecond) {
			ts.Fatalf("%s did not come", args[0])
		}
	}
}

func kill9(ts *testscript.TestScript, _ bool, args []string) {
	pid := agentOf(ts.MkAbs(args[0]))
	if pid == 0 {
		ts.Fatalf("no agent runs in %s", args[0])
	}
	ts.Check(killPID(pid))
}

// agentOf is the process that holds the lock of home, 0 for none.
func agentOf(home string) int {
	text, err := os.ReadFile(filepath.Join(home, "agent.lock"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// killPID returns when the process is gone.
func killPID(pid int) error {
	proc, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := proc.Kill(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for alive(proc) {
		if !pauseFor(ctx, 10*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// endAgents ends what a script that failed left running below dir.
func endAgents(t *testing.T, dir string) {
	locks, err := filepath.Glob(filepath.Join(dir, "*", "agent.lock"))
	if err != nil {
		t.Error(err)
	}
	for _, lock := range locks {
		pid := agentOf(filepath.Dir(lock))
		if pid == 0 || !runsHere(pid, dir) {
			continue
		}
		if err := killPID(pid); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	}
}

func hold(ts *testscript.TestScript, _ bool, args []string) {
	held, err := local.Lock(filepath.Join(ts.MkAbs(args[0]), "agent.lock"))
	ts.Check(err)
	ts.Value(heldKey{}).(map[string]*local.Held)[args[0]] = held
}

func free(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value(heldKey{}).(map[string]*local.Held)[args[0]].Release())
}

// awayKey is where the faults of away are kept.
type awayKey struct{}

// heldKey is where the locks of hold are kept.
type heldKey struct{}

func flip(ts *testscript.TestScript, _ bool, args []string) {
	change(ts, args[0], func(b []byte) []byte { b[len(b)/2] ^= 0x40; return b })
}

func cut(ts *testscript.TestScript, _ bool, args []string) {
	change(ts, args[0], func(b []byte) []byte { return b[:len(b)/2] })
}

func change(ts *testscript.TestScript, name string, how func([]byte) []byte) {
	name = ts.MkAbs(name)
	b, err := os.ReadFile(name)
	ts.Check(err)
	ts.Check(os.WriteFile(name, how(b), 0o600))
}

func newest(ts *testscript.TestScript, _ bool, args []string) {
	var path string
	var at time.Time
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(p string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(p) != ".ltx" {
			return err
		}
		info, err := d.Info()
		if err == nil && !info.ModTime().Before(at) {
			path, at = p, info.ModTime()
		}
		return err
	}))
	if path == "" {
		ts.Fatalf("no object below %s", args[1])
	}
	ts.Setenv(args[0], path)
}
