package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func putProgram(t *testing.T, path string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 127\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProgramsFindEachOther(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	root := t.TempDir()
	exe := putProgram(t, filepath.Join(root, "bin", "coditect-sync"))
	_, err := findProgram(exe, windowName, "../lib/coditect-sync")
	if e := app.AsError("", err); app.CodeOf(err) != app.CodeNotFound || !strings.Contains(e.Hint, windowName) {
		t.Errorf("nowhere: %v", err)
	}
	want := func(how, path string) {
		t.Helper()
		if found, err := findProgram(exe, windowName, "../lib/coditect-sync"); found != path || err != nil {
			t.Errorf("%s: %q, %v; want %s", how, found, err, path)
		}
	}
	onPath := putProgram(t, filepath.Join(os.Getenv("PATH"), windowName))
	want("on PATH", onPath)
	packaged := putProgram(t, filepath.Join(root, "lib", "coditect-sync", windowName))
	want("where packages put it", packaged)
	want("beside", putProgram(t, filepath.Join(root, "bin", windowName)))
}

// TestWindowThatCannotStart tells what its loader said, and what to install.
func TestWindowThatCannotStart(t *testing.T) {
	t.Setenv("PATH", filepath.Dir(putProgram(t, filepath.Join(t.TempDir(), windowName)))+":"+os.Getenv("PATH"))
	p := newProgram("v-test", strings.NewReader(""), os.Stdout, os.Stderr)
	err := p.openWindow(filepath.Join(t.TempDir(), "home"), "restore")
	if e := app.AsError("", err); err == nil || !strings.Contains(e.Message, "ended at once") || !strings.Contains(e.Hint, "install") &&
		!strings.Contains(e.Hint, "Install") {
		t.Errorf("%v", err)
	}
	if said := p.noWindow(); said != "" {
		t.Errorf("a window is there, and the menu would say %q", said)
	}
}

func TestLastWordsOfAWindow(t *testing.T) {
	log := filepath.Join(t.TempDir(), "window.log")
	const before = "An older sentence.\n"
	text := before + "\n(process:7): Gtk-WARNING **: 10:46:31.152: Locale not supported by C library.\n\tUsing the fallback 'C' locale.\n" +
		`{"level":"INFO","msg":"agent started"}` + "\nThe window cannot be shown here.\nIt needs a graphical session.\n"
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lastWords(log, int64(len(before))); got != "The window cannot be shown here." {
		t.Errorf("%q", got)
	}
}
