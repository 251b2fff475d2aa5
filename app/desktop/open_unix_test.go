//go:build unix && !darwin

package desktop

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// fakeOpener makes a shell script the desktop's xdg-open.
func fakeOpener(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	return dir
}

func TestOpenFile(t *testing.T) {
	dir := fakeOpener(t, `printf %s "$1" >"$(dirname "$0")/opened"`)
	const file = "/home/mira/my $(memory)/agent.log"
	if err := OpenFile(file); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "opened")); string(got) != file || err != nil {
		t.Errorf("opened %q, %v", got, err)
	}
}

func TestOpenURL(t *testing.T) {
	dir := fakeOpener(t, `printf %s "$1" >"$(dirname "$0")/opened"`)
	const address = "http://127.0.0.1:4321/sign-in/x?a=$(b)&c='d'"
	if err := OpenURL(address); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "opened")); string(got) != address || err != nil {
		t.Errorf("opened %q, %v", got, err)
	}
	for _, wrong := range []string{"", "file:///etc/passwd", "javascript:alert(1)", "-h", "/etc/passwd", "https://", "http:x"} {
		if err := OpenURL(wrong); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	fakeOpener(t, "exit 3")
	if e := app.AsError("", OpenURL(address)); e == nil || e.Hint == "" {
		t.Errorf("the error is %+v", e)
	}
}

// TestOpenerThatStays does not keep us: it ends with what it opened.
func TestOpenerThatStays(t *testing.T) {
	dir := fakeOpener(t, `mkfifo "$(dirname "$0")/wait" && read _ <"$(dirname "$0")/wait"`)
	if err := OpenFile("/x"); err != nil {
		t.Error(err)
	}
	wait, err := os.OpenFile(filepath.Join(dir, "wait"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = wait.Close()
}

func TestNothingOpens(t *testing.T) {
	for _, script := range []string{"exit 3", ""} {
		dir := fakeOpener(t, script)
		if script == "" {
			t.Setenv("PATH", dir+"-none")
		}
		err := OpenFile("/home/mira/agent.log")
		if e := app.AsError("", err); e == nil || e.Hint != "It is /home/mira/agent.log." {
			t.Errorf("the error is %+v", e)
		}
	}
}
