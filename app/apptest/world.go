package apptest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// World is one file and one target in memory. Its rows are strings of one table, "items"; every commit is the next
// TXID. The file at Path, and every image that is restored to a file, is a JSON list of the rows: there to be stat'ed,
// moved and counted (ImageRows), not to be opened by SQLite.
type World struct {
	// Path is where the live file is.
	Path string
	// Now is the clock that points are recorded by; time.Now unless a test sets it before anything runs.
	Now func() time.Time

	t       testing.TB
	machine string
	writer  sync.Mutex // SQLite's write lock

	mu       sync.Mutex
	rows     []string
	txid     uint64
	drill    *app.Drill
	history  map[string]*history
	damaged  map[string]bool
	changed  chan struct{} // closed by the next commit
	running  int
	overlaps int
}

// history is what the target holds of one machine, oldest first.
type history struct {
	user    string
	info    app.MachineInfo
	moments []moment
}

type moment struct {
	point app.RestorePoint
	rows  []string
}

// NewWorld makes an empty file in dir and a target that knows nothing of it yet. machine is this machine's id.
func NewWorld(t testing.TB, dir, machine string) *World {
	t.Helper()
	w := &World{
		Path: filepath.Join(dir, "world.db"), Now: time.Now, t: t, machine: machine,
		history: map[string]*history{}, damaged: map[string]bool{}, changed: make(chan struct{}),
	}
	w.save()
	return w
}

// Write commits rows new rows, as another program does: it waits for whoever holds the write lock.
func (w *World) Write(rows int) {
	w.writer.Lock()
	defer w.writer.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	next := append([]string(nil), w.rows...)
	for range rows {
		next = append(next, fmt.Sprintf("row %d of commit %d", len(next)+1, w.txid+1))
	}
	w.commit(next)
}

// Rows is how many rows the live file has.
func (w *World) Rows() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(len(w.rows))
}

// Damage makes a point's object unreadable: Fetch refuses it from now on, and so does every Drill of it.
func (w *World) Damage(point string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.damaged[point] = true
}

// Forget drops this machine's points up to and including the one given, as thinning does.
func (w *World) Forget(point string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.ours()
	for i, m := range h.moments {
		if m.point.ID == point {
			h.moments = h.moments[i+1:]
			return
		}
	}
	w.t.Errorf("there is no point %s to forget", point)
}

// AddMachine puts another machine with one point of so many rows at the target.
func (w *World) AddMachine(id string, info app.MachineInfo, rows int) app.RestorePoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for i := range rows {
		list = append(list, fmt.Sprintf("row %d of %s", i+1, id))
	}
	p := app.RestorePoint{ID: idOf(1), Time: w.Now(), Size: sizeOf(list), Kind: app.PointFull}
	w.history[id] = &history{user: "fake-user", info: info, moments: []moment{{point: p, rows: list}}}
	return p
}

// Overlaps is how often a Keeper's Run began before another one had returned. It must stay 0.
func (w *World) Overlaps() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.overlaps
}

// commit makes rows the file's content. The caller holds writer and mu.
func (w *World) commit(rows []string) {
	w.rows = rows
	w.txid++
	w.save()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *World) save() {
	if err := writeImage(w.Path, w.rows); err != nil {
		w.t.Errorf("world: %v", err)
	}
}

func (w *World) ours() *history {
	h := w.history[w.machine]
	if h == nil {
		h = &history{user: "fake-user", info: app.MachineInfo{Host: "fake-host", OS: "fake", Version: "test", DB: w.Path}}
		w.history[w.machine] = h
	}
	return h
}

// flush puts what is committed at the target and returns the point that holds it.
func (w *World) flush() app.RestorePoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, id := w.ours(), idOf(w.txid)
	if n := len(h.moments); n > 0 && h.moments[n-1].point.ID == id {
		return h.moments[n-1].point
	}
	p := app.RestorePoint{ID: id, Time: w.Now(), Size: sizeOf(w.rows), Kind: app.PointChange}
	if len(h.moments) == 0 {
		p.Kind = app.PointFull
	}
	h.info.LastReplicated = p.Time
	h.info.Rows = map[string]int64{"items": int64(len(w.rows))}
	h.moments = append(h.moments, moment{point: p, rows: w.rows})
	return p
}

// idOf is the text form of a TXID.
func idOf(txid uint64) string { return fmt.Sprintf("%016x", txid) }

func sizeOf(rows []string) int64 {
	raw, _ := json.Marshal(rows) // strings always marshal
	return int64(len(raw))
}

func writeImage(path string, rows []string) error {
	raw, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

func readImage(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []string
	err = json.Unmarshal(raw, &rows)
	return rows, err
}

// ImageRows counts the rows of an image that a World's Replica wrote.
func ImageRows(t testing.TB, path string) int64 {
	t.Helper()
	rows, err := readImage(path)
	if err != nil {
		t.Fatalf("image: %v", err)
	}
	return int64(len(rows))
}

// hashOf is a row hash of the form of app.TableHash: the sum of the rows' hashes, whatever their order.
func hashOf(rows []string) []app.TableHash {
	var sum uint64
	for _, r := range rows {
		h := sha256.Sum256([]byte(r))
		sum += binary.BigEndian.Uint64(h[:8])
	}
	return []app.TableHash{{Table: "items", Rows: int64(len(rows)), Sum: fmt.Sprintf("%016x", sum)}}
}
