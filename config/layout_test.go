package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestDefaultHome(t *testing.T) {
	const user = "/home/mira"
	for _, c := range []struct {
		name, goos string
		env        map[string]string
		want       string
	}{
		{"variable wins", "linux", map[string]string{"CODITECT_HOME": "/srv/memory", "XDG_DATA_HOME": "/x"}, "/srv/memory"},
		{"linux", "linux", nil, user + "/.local/share/coditect-sync"},
		{"linux xdg", "linux", map[string]string{"XDG_DATA_HOME": "/x"}, "/x/coditect-sync"},
		{"linux relative xdg is ignored", "linux", map[string]string{"XDG_DATA_HOME": "x"}, user + "/.local/share/coditect-sync"},
		{"macOS", "darwin", map[string]string{"XDG_DATA_HOME": "/x"}, user + "/Library/Application Support/CODITECT Sync"},
		{"windows", "windows", map[string]string{"LocalAppData": "/local"}, "/local/CODITECT Sync"},
		{"windows without the variable", "windows", nil, user + "/AppData/Local/CODITECT Sync"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := defaultHome(c.goos, func(k string) string { return c.env[k] }, func() (string, error) { return user, nil })
			if err != nil || filepath.ToSlash(got) != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestDefaultHomeOfAUserWithoutOne(t *testing.T) {
	none := func() (string, error) { return "", errors.New("no $HOME") }
	_, err := defaultHome("linux", func(string) string { return "" }, none)
	if app.CodeOf(err) != app.CodeInvalid || app.AsError("", err).Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestDefaultHomeIsAbsolute(t *testing.T) {
	t.Setenv(EnvHome, "memory")
	home, err := DefaultHome()
	if err != nil || !filepath.IsAbs(home) || filepath.Base(home) != "memory" {
		t.Errorf("got %q, %v", home, err)
	}
}

func TestMakeIsPrivateAndRepeatable(t *testing.T) {
	l := NewLayout(filepath.Join(t.TempDir(), "a", "home"))
	for range 2 {
		if err := l.Make(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{l.Home, filepath.Dir(l.Log), l.Tmp} {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
}

func TestMakeOverAFileSaysSo(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewLayout(home).Make(); app.CodeOf(err) != app.CodeFailed || !strings.Contains(err.Error(), home) {
		t.Errorf("got %v", err)
	}
}

func TestEverythingIsUnderHome(t *testing.T) {
	home := "/srv/memory"
	l := NewLayout(home)
	for _, path := range []string{l.DB, l.Prefs, l.Machine, l.Records, l.Lock, l.Log, l.LitestreamYML, l.Tmp, l.RestoreNotes} {
		if !strings.HasPrefix(path, home+"/") {
			t.Errorf("%s is outside", path)
		}
	}
	if l.DefaultTarget != "file:///srv/memory/copies" {
		t.Errorf("default target %s", l.DefaultTarget)
	}
}

func TestFileURLBothWays(t *testing.T) {
	for _, path := range []string{"/a", "/a b/c", "/a:b", "/100%/x", `/quo"te'd`, "/ümlaut/記憶", "/a?b#c", "/$HOME"} {
		got, err := FilePath(FileURL(path))
		if err != nil || got != path {
			t.Errorf("%q became %q, %v", path, got, err)
		}
	}
	for _, bad := range []string{"file://host/x", "gs://bucket/x", "/x", "file:x", "file:///%zz", ""} {
		if got, err := FilePath(bad); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%q gave %q, %v", bad, got, err)
		}
	}
}

func TestForcedMode(t *testing.T) {
	for value, want := range map[string]app.Mode{
		"": app.ModeUnset, "cloud": app.ModeCloud, "standalone": app.ModeStandalone, "off": app.ModeOff,
	} {
		got, err := ForcedMode(func(string) string { return value })
		if got != want || err != nil {
			t.Errorf("%q gave %q, %v", value, got, err)
		}
	}
}

func TestForcedModeWithAWrongValue(t *testing.T) {
	for _, value := range []string{"Standalone", "on", " off"} {
		got, err := ForcedMode(func(string) string { return value })
		if got != app.ModeUnset || app.CodeOf(err).ExitStatus() != 2 {
			t.Errorf("%q gave %q, %v", value, got, err)
		}
		if e := app.AsError("", err); !strings.Contains(e.Message, EnvMode) || e.Hint == "" {
			t.Errorf("%q: %q, %q", value, e.Message, e.Hint)
		}
	}
}
