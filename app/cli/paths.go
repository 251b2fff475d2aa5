package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// absolute is the full path of what a person typed: ~/ is the home directory where no shell has seen to it.
func absolute(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return "", app.Errorf(app.CodeFailed, "path", "The folder you are in is not there any more.").
			WithHint("Change to another folder, or give a full path.").Wrap(err)
	}
	return full, nil
}

// absoluteOrEmpty leaves what was not given.
func absoluteOrEmpty(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return absolute(path)
}

// targetURL is a URL as it is, and a path as a file URL.
func targetURL(text string) (string, error) {
	if text == "" || strings.Contains(text, "://") {
		return text, nil
	}
	path, err := absolute(text)
	return config.FileURL(path), err
}
