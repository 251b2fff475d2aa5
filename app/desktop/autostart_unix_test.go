//go:build unix && !darwin

package desktop

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// autostart is one in a session of the test's own, and the file of it.
func autostart(t *testing.T, home string) (a Autostart, file string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return NewAutostart(program, home), filepath.Join(dir, "autostart", "coditect-sync.desktop")
}

func wantEnabled(t *testing.T, a Autostart, want bool) {
	t.Helper()
	if got, err := a.Enabled(); got != want || err != nil {
		t.Errorf("enabled is %v, %v, want %v", got, err, want)
	}
}

func set(t *testing.T, a Autostart, on bool) {
	t.Helper()
	if err := a.Set(on); err != nil {
		t.Fatal(err)
	}
	wantEnabled(t, a, on)
}

// TestAutostart writes an entry for every home, which the desktop's own tool finds valid and GLib reads as it was meant.
func TestAutostart(t *testing.T) {
	for _, home := range homes {
		a, file := autostart(t, home)
		wantEnabled(t, a, false)
		set(t, a, false) // nothing to do
		set(t, a, true)
		set(t, a, true)
		validate(t, file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := parseEntry(string(text)).command(); !slices.Equal(got, a.command) {
			t.Errorf("%q became %q", a.command, got)
		}
		wantEnabled(t, NewAutostart("/moved/coditect-sync", home), true)
		wantEnabled(t, NewAutostart(a.command[0], home+"2"), false)
		if left, err := filepath.Glob(filepath.Dir(file) + "/.*"); len(left) != 0 || err != nil {
			t.Errorf("left behind: %q, %v", left, err)
		}
		set(t, a, false)
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("the file is still there: %v", err)
		}
	}
}

func validate(t *testing.T, file string) {
	t.Helper()
	if out, err := exec.Command("desktop-file-validate", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("desktop-file-validate (Debian package desktop-file-utils): %v\n%s", err, out)
	}
}

// TestExecAsOthersReadIt has GLib start an entry, and compares what arrives with what was meant.
func TestExecAsOthersReadIt(t *testing.T) {
	dir := t.TempDir()
	program, got := filepath.Join(dir, "my program"), filepath.Join(dir, "got")
	script := "#!/bin/sh\nfor a; do printf '%s\\0' \"$a\"; done >" + got + ".new && mv " + got + ".new " + got + "\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, home := range homes {
		a := NewAutostart(program, home)
		file := filepath.Join(dir, "x.desktop")
		if err := os.WriteFile(file, []byte(autostartEntry(a.command)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("gio", "launch", file).CombinedOutput(); err != nil {
			t.Fatalf("gio launch (Debian package libglib2.0-bin): %v\n%s", err, out)
		}
		want := strings.Join(a.command[1:], "\x00") + "\x00"
		eventually(t, func() string {
			if text, _ := os.ReadFile(got); string(text) != want {
				return "GLib passes " + strings.ReplaceAll(string(text), "\x00", "|") + " for " + home
			}
			return ""
		})
	}
}

// TestSwitchedOffElsewhere: what the desktop's own settings or a person wrote counts.
func TestSwitchedOffElsewhere(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           bool
	}{
		{"untouched", "", "", true},
		{"hidden", "Type=", "Hidden=true\nType=", false},
		{"GNOME", "enabled=true", "enabled=false", false},
		{"spaces", "X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled = false", false},
		{"no command", "\nExec=", "\n#Exec=", false},
		{"the program is gone", "TryExec=", "TryExec=/gone", false},
		{"a wrapper", "\nExec=", "\nExec=env A=1 ", true},
		{"in another group", "X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled=true\n[Desktop Action x]\nHidden=true", true},
		{"not an entry", "[Desktop Entry]", "[Other]", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, file := autostart(t, "/home/mira/my memory")
			set(t, a, true)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			wantEnabled(t, a, c.want)
			set(t, a, true)
		})
	}
}

// TestAnotherHome: an entry for another home is no entry for this one, and is not removed with it.
func TestAnotherHome(t *testing.T) {
	a, file := autostart(t, "/home/mira/one")
	set(t, a, true)
	other := NewAutostart(a.command[0], "/home/mira/two")
	set(t, other, false)
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	wantEnabled(t, a, true)
	set(t, other, true)
	wantEnabled(t, a, false)
}

func TestWhereTheSessionLooks(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, dir := range []string{"", "relative"} {
		t.Setenv("XDG_CONFIG_HOME", dir)
		if got, err := entryPath(); got != filepath.Join(home, ".config/autostart/coditect-sync.desktop") || err != nil {
			t.Errorf("%q: %s, %v", dir, got, err)
		}
	}
}

// TestNoHomeDirectory: a service's user has none, and its settings are shown all the same.
func TestNoHomeDirectory(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	a := NewAutostart("/x", "/y")
	wantEnabled(t, a, false)
	if err := a.Set(true); err == nil || !strings.Contains(err.Error(), "no home directory") {
		t.Errorf("the error is %v", err)
	}
}

// TestCannotBeWritten is an error with a sentence.
func TestCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "autostart"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", dir)
	if err := NewAutostart("/x", "/y").Set(true); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("the error is %v", err)
	}
}
