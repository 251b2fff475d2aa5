package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// Environment variables that the program reads.
const (
	EnvHome = "CODITECT_HOME"
	EnvMode = "CODITECT_SYNC_MODE"
)

// Layout says where everything under a home directory is. All paths are absolute.
type Layout struct {
	Home          string
	DB            string // the default database
	Prefs         string
	Machine       string
	Records       string
	Lock          string
	Journal       string // what happened
	Log           string
	LitestreamYML string
	Tmp           string
	RestoreNotes  string // of a restore that has not come to its end
	DefaultTarget string // file URL of a folder beside the database
}

// NewLayout derives the layout of a home directory. It touches nothing.
func NewLayout(home string) Layout {
	in := func(elem ...string) string { return filepath.Join(append([]string{home}, elem...)...) }
	return Layout{
		Home:          home,
		DB:            in("context.db"),
		Prefs:         in("prefs.json"),
		Machine:       in("machine.json"),
		Records:       in("records.json"),
		Lock:          in("agent.lock"),
		Journal:       in(JournalName),
		Log:           in("logs", "agent.log"),
		LitestreamYML: in("litestream.yml"),
		Tmp:           in("tmp"),
		RestoreNotes:  in("restore-notes"),
		DefaultTarget: FileURL(in("copies")),
	}
}

// LitestreamOf is the stock tool's configuration for a target: litestream.yml for the first one, litestream-2.yml for the
// second.
func (l Layout) LitestreamOf(i int) string {
	if i == 0 {
		return l.LitestreamYML
	}
	return fmt.Sprintf("%s-%d.yml", strings.TrimSuffix(l.LitestreamYML, ".yml"), i+1)
}

// DropLitestreamFrom removes the configurations of targets that there are no more.
func (l Layout) DropLitestreamFrom(n int) error {
	for i := max(n, 1); ; i++ {
		if err := os.Remove(l.LitestreamOf(i)); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return fileError("remove", l.LitestreamOf(i), err)
		}
	}
}

// Make creates the home directory and the folders in it, readable by this user only. What exists is left as it is.
func (l Layout) Make() error {
	for _, dir := range []string{l.Home, filepath.Dir(l.Log), l.Tmp} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fileError("make the home directory", dir, err)
		}
	}
	return nil
}

// DefaultHome is CODITECT_HOME where it is set, else the user's data directory as the OS has it.
func DefaultHome() (string, error) {
	home, err := defaultHome(runtime.GOOS, os.Getenv, os.UserHomeDir)
	if err != nil {
		return "", err
	}
	if home, err = filepath.Abs(home); err != nil {
		return "", fileError("find the home directory", home, err)
	}
	return home, nil
}

func defaultHome(goos string, getenv func(string) string, userHome func() (string, error)) (string, error) {
	if home := getenv(EnvHome); home != "" {
		return home, nil
	}
	switch goos {
	case "windows":
		if dir := getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "CODITECT Sync"), nil
		}
	case "linux":
		// The XDG specification has relative paths ignored.
		if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "coditect-sync"), nil
		}
	}
	user, err := userHome()
	if err != nil {
		return "", app.Errorf(app.CodeInvalid, "find the home directory", "This user has no home directory.").
			WithHint("Set %s to a directory of your own.", EnvHome).Wrap(err)
	}
	switch goos {
	case "darwin":
		return filepath.Join(user, "Library", "Application Support", "CODITECT Sync"), nil
	case "windows":
		return filepath.Join(user, "AppData", "Local", "CODITECT Sync"), nil
	}
	return filepath.Join(user, ".local", "share", "coditect-sync"), nil
}

// FileURL is the file:// URL of an absolute path of this OS.
func FileURL(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") { // C:/dir on Windows
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}
