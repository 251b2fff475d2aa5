//go:build long && unix

package standalone

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestOneGigabyte restores a real database of more than 1 GiB, which has the page that SQLite never uses, and watches
// the memory it takes.
func TestOneGigabyte(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	w.large = true
	fill(w, 1100)
	for range 50 {
		w.exec("UPDATE notes SET body = body || x'00' WHERE id % 1000 = abs(random()) % 1000")
		w.send()
	}
	runtime.GC()
	peak, stop := watchHeap()
	began := time.Now()
	path, plan := fetch(t, replicaOf(target, "m1"), "m1", app.Moment{})
	took := time.Since(began)
	stop()
	defer func() { _ = os.Remove(path) }()
	t.Logf("%d MB from %d MB in %d objects: %v, heap at most %d MB", plan.DBBytes>>20, plan.Bytes>>20, plan.Objects, took, peak.Load()>>20)
	if plan.DBBytes < 1<<30 {
		t.Errorf("only %d bytes", plan.DBBytes)
	}
	if peak.Load() > 64<<20 {
		t.Errorf("%d MB of memory", peak.Load()>>20)
	}
	if got, want := contentOfFile(t, path), contentOf(t, w.sql); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestCycleOverOneGigabyte is a cycle with a file that has the page that SQLite never uses, and loses and regains it.
func TestCycleOverOneGigabyte(t *testing.T) {
	for _, pageSize := range []uint64{4096, 65536} {
		seed := uint64(time.Now().UnixNano())
		for 512<<(seed%8) != pageSize {
			seed++
		}
		t.Run(fmt.Sprint(pageSize), func(t *testing.T) {
			c := newCycle(t, seed)
			t.Logf("%s=%d", cycleSeed, seed)
			c.grow(1100)
			c.start()
			c.holds()
			for _, step := range []func(){c.storm, func() { c.shell("VACUUM") }, func() { c.exec("DELETE FROM notes WHERE id % 2 = 0") }, func() { c.shell("VACUUM") }, func() { c.grow(600) }, c.away, c.storm} {
				step()
				c.holds()
			}
			c.end()
			c.stockAgrees()
		})
	}
}

// watchHeap samples what the heap takes until stop.
func watchHeap() (peak *atomic.Uint64, stop func()) {
	peak = new(atomic.Uint64)
	done, ended := make(chan struct{}), make(chan struct{})
	var base runtime.MemStats
	runtime.ReadMemStats(&base)
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse-min(m.HeapInuse, base.HeapInuse)))
		}
	}()
	return peak, func() { close(done); <-ended }
}
