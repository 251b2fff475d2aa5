package frontend

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPageWithoutABuildSaysHow(t *testing.T) {
	text, err := fs.ReadFile(choose(fstest.MapFS{"dist/.keep": {}}), "index.html")
	if err != nil || !strings.Contains(string(text), "make page") {
		t.Errorf("index.html: %v, %q", err, text)
	}
}

func TestPageIsTheBuiltOne(t *testing.T) {
	text, err := fs.ReadFile(choose(fstest.MapFS{"dist/index.html": {Data: []byte("built")}}), "index.html")
	if err != nil || string(text) != "built" {
		t.Errorf("index.html: %v, %q", err, text)
	}
}

// TestCleanCloneBuilds holds the file that makes go:embed match before the page was ever built.
func TestCleanCloneBuilds(t *testing.T) {
	if _, err := fs.Stat(dist, "dist/.keep"); err != nil {
		t.Errorf("without dist/.keep a clean clone does not build: %v", err)
	}
	if _, err := fs.Stat(Page(), "index.html"); err != nil {
		t.Error(err)
	}
}
