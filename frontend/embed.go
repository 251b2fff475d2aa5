// Package frontend holds the window's page as it was built.
//
// `make page` builds it into dist, which is not committed. A program that is built without that step still builds: it
// then holds a page that says how to build the real one.
package frontend

import (
	"embed"
	"io/fs"
)

// dist always has .keep, which vite copies there from public, so that the pattern matches in a clean clone.
//
//go:embed all:dist
var dist embed.FS

//go:embed unbuilt
var unbuilt embed.FS

// Page is the built page, index.html at its root, or the one that says how to build it; see Built.
func Page() fs.FS { return choose(dist) }

// Built tells whether the real page is in this program.
func Built() bool { return hasIndex(dist) }

func choose(built fs.FS) fs.FS {
	if hasIndex(built) {
		return sub(built, "dist")
	}
	return sub(unbuilt, "unbuilt")
}

func hasIndex(built fs.FS) bool {
	_, err := fs.Stat(built, "dist/index.html")
	return err == nil
}

// sub cannot fail: both names are constants.
func sub(of fs.FS, name string) fs.FS {
	inner, err := fs.Sub(of, name)
	if err != nil {
		panic(err)
	}
	return inner
}
