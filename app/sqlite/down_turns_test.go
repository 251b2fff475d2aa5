//go:build unix

package sqlite

import (
	"sync"
	"testing"
)

// While rows of a first sync are shown nothing is filled into the search index, which would take the turns that are left to
// other programs. Then all of it is.
func TestTheSearchWaitsForALargeDownload(t *testing.T) {
	const rows = 20_000
	f := newFile(t)
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := &client{t: t, f: f}
	k.connect()
	var filling sync.WaitGroup
	begun, early := false, ""
	f.step = func(what string) {
		switch {
		case what == "finish":
			early = ask(t, f.path, "SELECT count(*) FROM sqlite_master WHERE name = '"+searchDocs+"'")
		case what == "row" && f.shown.Load() != 0 && !begun: // after the first slice
			begun = true
			filling.Go(func() {
				if _, err := f.FillSearch(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	f.down.hold /= 2
	madeUp(rows, k.hear)
	filling.Wait()
	if !begun || early != "0" {
		t.Errorf("begun %v: there was an index before all were shown: %s", begun, early)
	}
	if got := ask(t, f.path, "SELECT count(*) FROM "+searchDocs); got != "20000" {
		t.Errorf("%s rows are indexed", got)
	}
}

// A first sync in slices of a few rows, of which most are read before the file is locked.
func TestADownloadInManySlices(t *testing.T) {
	f := newFile(t)
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := &client{t: t, f: f}
	k.connect()
	slices, ahead := 0, 0
	f.step = func(what string) {
		if what == "row" && f.down.work.ahead.left() > 0 {
			ahead++
		}
		if what == "stamp" {
			slices++
		}
	}
	f.down.hold = 0
	madeUp(5000, k.hear)
	if slices < 100 || ahead < 1000 {
		t.Errorf("%d slices, %d rows were read ahead", slices, ahead)
	}
	if got := ask(t, f.path, "SELECT count(*) || ' ' || count(DISTINCT content) || ' ' || sum(content LIKE 'Message % lorem%') FROM messages"); got != "5000 5000 5000" {
		t.Errorf("rows, contents, whole ones: %s", got)
	}
}
