package standalone

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/coditect-ai/coditect-sync/app"
)

// cycleSeed repeats the cycle of that seed alone.
const cycleSeed = "CODITECT_TEST_CYCLE"

// TestCycles copies a file and restores it, again and again: of every page size, to a storage that is slow, while other
// programs write, checkpoint and VACUUM, and over times when no agent runs. Whatever is restored is what was there: the
// newest point exactly, and any other a state between two transactions.
func TestCycles(t *testing.T) {
	seeds := make([]uint64, cycles)
	began := uint64(time.Now().UnixNano())
	for i := range seeds {
		seeds[i] = began + uint64(i)
	}
	if s := os.Getenv(cycleSeed); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for i, seed := range seeds { // consecutive ones, so that every page size has its turn
		t.Run(fmt.Sprintf("%d of %d", i+1, len(seeds)), func(t *testing.T) {
			c := newCycle(t, seed)
			defer func() {
				if t.Failed() {
					t.Logf("after %s; again with %s=%d", strings.Join(c.did, ", "), cycleSeed, seed)
				}
			}()
			c.run()
		})
	}
}

// cycle is one file, its storage and its agent.
type cycle struct {
	t        *testing.T
	rnd      *rand.Rand
	pageSize int
	path     string
	target   *Target
	other    *exec.Cmd // a program that has the file open, or nil
	hold     io.Closer // ends it
	clock    *jumpyClock
	known    atomic.Pointer[app.StandaloneStatus]
	k        *Keeper
	stop     context.CancelFunc
	ended    chan error
	did      []string
}

// newCycle makes the cycle of a seed.
func newCycle(t *testing.T, seed uint64) *cycle {
	t.Helper()
	c := &cycle{
		t: t, rnd: rand.New(rand.NewPCG(seed, 200)), pageSize: 512 << (seed % 8), path: filepath.Join(t.TempDir(), "memory.db"),
		target: fileTarget(t), clock: &jumpyClock{},
	}
	c.target.store = &slowStore{
		store: c.target.store, wait: time.Duration(c.rnd.IntN(8)) * time.Millisecond, perSecond: int64(4+c.rnd.IntN(60)) << 20,
	}
	c.shell(fmt.Sprintf("PRAGMA page_size=%d", c.pageSize), "PRAGMA journal_mode=WAL",
		"CREATE TABLE notes(id INTEGER PRIMARY KEY, body BLOB)", "CREATE TABLE log(n INTEGER PRIMARY KEY, rows INTEGER, bytes INTEGER)")
	c.write(1 + c.rnd.IntN(40))
	t.Cleanup(func() {
		if c.stop != nil {
			c.stop()
		}
		c.release()
	})
	return c
}

// occupy lets another program have the file open, as most of them do.
func (c *cycle) occupy() {
	c.t.Helper()
	cmd := exec.Command("sqlite3", "-batch", c.path)
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = io.WriteString(in, "SELECT count(*) FROM log;\n")
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.other, c.hold = cmd, in
}

func (c *cycle) release() {
	if c.other == nil {
		return
	}
	_ = c.hold.Close() // it ends
	_ = c.other.Wait()
	c.other = nil
}

// run does the cycle.
func (c *cycle) run() {
	steps := []struct {
		name string
		do   func()
	}{
		{"a storm", c.storm},
		{"a storm", c.storm},
		{"VACUUM", func() { c.shell("VACUUM") }},
		{"delete", func() { c.exec("DELETE FROM notes WHERE id % 3 > 0") }},
		{"another schema", c.schema},
		{"time", func() { c.clock.jump(time.Duration(1+c.rnd.IntN(50)) * 30 * time.Minute) }},
		{"no agent", c.away},
		{"large rows", func() { c.grow(1 + c.rnd.IntN(4)) }},
	}
	if c.rnd.IntN(3) > 0 {
		c.occupy()
	}
	c.start()
	for range cycleSteps + c.rnd.IntN(cycleSteps) {
		step := steps[c.rnd.IntN(len(steps))]
		c.did = append(c.did, step.name)
		step.do()
		c.holds()
		if c.t.Failed() {
			c.t.FailNow()
		}
	}
	c.end()
	c.stockAgrees()
}

// start runs an agent's engine, which knows what the one before knew.
func (c *cycle) start() {
	known := app.StandaloneStatus{}
	if k := c.known.Load(); k != nil {
		known = *k
	}
	c.k = NewKeeper(KeeperConfig{
		File: plainFile{c.path}, Target: c.target, User: twinUser, Machine: "m1", Lineage: "l1", Host: "here", Tmp: c.t.TempDir(), Known: known,
		Logger: slog.New(slog.DiscardHandler), Now: c.clock.now,
		Info: func(context.Context) app.MachineInfo { return app.MachineInfo{Lineage: "l1"} },
	})
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.ended = stop, make(chan error, 1)
	go func() {
		c.ended <- c.k.Run(ctx, func(r app.Report) {
			if r.Standalone != nil {
				c.known.Store(r.Standalone)
			}
		})
	}()
}

func (c *cycle) end() {
	c.t.Helper()
	c.stop()
	if err := <-c.ended; err != nil {
		c.t.Errorf("the engine ended with %v", err)
	}
}

// away is a time without an agent, in which others may do anything to the file.
func (c *cycle) away() {
	c.end()
	for range 1 + c.rnd.IntN(3) {
		switch c.rnd.IntN(6) {
		case 0:
			c.shell("VACUUM")
		case 1:
			c.shell("PRAGMA wal_checkpoint(TRUNCATE)")
		case 2: // the last one who closes the file removes its log
			c.release()
		case 3:
			c.exec("DELETE FROM notes WHERE id % 2 = 0")
		case 4:
			c.otherPages()
		default:
			c.write(1 + c.rnd.IntN(60))
		}
	}
	c.start()
}

// otherPages gives the file pages of another size, which takes it out of the WAL for a moment.
func (c *cycle) otherPages() {
	c.release()
	c.pageSize = 512 << c.rnd.IntN(8)
	c.shell("PRAGMA journal_mode=DELETE", fmt.Sprintf("PRAGMA page_size=%d", c.pageSize), "VACUUM", "PRAGMA journal_mode=WAL")
}

// storm is several programs at once: two that write and one that checkpoints.
func (c *cycle) storm() {
	writers := [2][]string{c.transactions(5 + c.rnd.IntN(60)), c.transactions(5 + c.rnd.IntN(60))}
	modes := []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"}
	first := c.rnd.IntN(len(modes))
	var writing, checkpointing sync.WaitGroup
	done := make(chan struct{})
	for _, w := range writers {
		writing.Go(func() { c.shell(w...) })
	}
	checkpointing.Go(func() {
		for i := first; ; i++ {
			select {
			case <-done:
				return
			default:
				c.shell("PRAGMA wal_checkpoint(" + modes[i%len(modes)] + ")")
			}
		}
	})
	writing.Wait()
	close(done)
	checkpointing.Wait()
}

// transactions are n that insert, change and delete, each with a line in the log that says what the file then holds.
func (c *cycle) transactions(n int) (out []string) {
	for range n {
		size := 1 << c.rnd.IntN(13)
		out = append(out, transaction(
			fmt.Sprintf("INSERT INTO notes(body) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<%d) SELECT randomblob(%d) FROM k", 1+c.rnd.IntN(30), size),
			fmt.Sprintf("UPDATE notes SET body = randomblob(%d) WHERE id %% 31 = %d", size, c.rnd.IntN(31)),
			fmt.Sprintf("DELETE FROM notes WHERE id %% 23 = %d", c.rnd.IntN(23))))
	}
	return out
}

func transaction(statements ...string) string {
	const entry = "INSERT INTO log(rows, bytes) SELECT count(*), total(length(body)) FROM notes"
	return "BEGIN IMMEDIATE; " + strings.Join(statements, "; ") + "; " + entry + "; COMMIT"
}

func (c *cycle) write(n int) { c.shell(c.transactions(n)...) }

func (c *cycle) exec(query string) { c.shell(transaction(query)) }

func (c *cycle) schema() {
	n := len(c.did)
	c.exec([]string{
		fmt.Sprintf("CREATE INDEX i%d ON notes(length(body), id)", n), fmt.Sprintf("ALTER TABLE notes ADD COLUMN c%d TEXT DEFAULT 'x'", n),
		fmt.Sprintf("CREATE TABLE t%d AS SELECT * FROM notes", n),
	}[c.rnd.IntN(3)])
}

// grow adds megabytes that compress well.
func (c *cycle) grow(megabytes int) {
	c.exec(fmt.Sprintf("INSERT INTO notes(body) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<%d) "+
		"SELECT zeroblob(500000) || randomblob(20000) || zeroblob(528576) FROM k", megabytes))
}

// shell is another program with another SQLite.
func (c *cycle) shell(statements ...string) {
	if out, err := inShell(c.path, statements...); err != nil {
		c.t.Errorf("%.80q: %v: %s", statements[0], err, out)
	}
}

func inShell(path string, statements ...string) (string, error) {
	cmd := exec.Command("sqlite3", "-batch", "-bail", "-cmd", ".timeout 20000", path)
	cmd.Stdin = strings.NewReader(strings.Join(statements, ";\n") + ";\n")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// holds flushes, and restores the newest point and some before it.
func (c *cycle) holds() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	point, err := c.k.Flush(ctx)
	if err != nil {
		select {
		case why := <-c.ended:
			c.t.Fatalf("flush: %v; the engine had ended with %v", err, why)
		default:
			c.t.Fatalf("flush: %v", err)
		}
	}
	want := stateOf(c.t, c.path)
	if got := c.restored(point.ID); got != want {
		c.t.Errorf("restored is %s, the file holds %s", got, want)
	}
	line, err := c.replica().Timeline(ctx, "m1")
	if err != nil {
		c.t.Fatal(err)
	}
	for range min(2, len(line.Points)) {
		c.restored(line.Points[c.rnd.IntN(len(line.Points))].ID)
	}
}

func (c *cycle) replica() *Replica {
	return NewReplica(ReplicaConfig{Target: c.target, User: twinUser, Machine: "m1"})
}

// restored is the state of a point, which is between two transactions; "" of one that was thinned since it was listed.
// Every other restore is interrupted once.
func (c *cycle) restored(point string) string {
	c.t.Helper()
	r, dir := c.replica(), c.t.TempDir()
	defer func() { _ = os.RemoveAll(dir) }()
	to, notes := filepath.Join(dir, "image.db"), filepath.Join(dir, "notes")
	plan, err := r.Plan(c.t.Context(), "m1", app.Moment{Point: point})
	if err == nil && c.rnd.IntN(2) == 0 {
		ctx, cancel := context.WithCancel(c.t.Context())
		at := c.rnd.Int64N(plan.Bytes + 1)
		_, err = r.Resume(ctx, plan, to, notes, func(done, _ int64) {
			if done >= at {
				cancel()
			}
		})
		cancel()
	}
	if err == nil || app.CodeOf(err) == app.CodeCanceled {
		_, err = r.Resume(c.t.Context(), plan, to, notes, nil)
	}
	if app.CodeOf(err) == app.CodeNotFound {
		return ""
	}
	if err != nil {
		c.t.Fatalf("restore of %s: %v", point, err)
	}
	return stateOf(c.t, to)
}

// stateOf is what a file holds. It must be whole, with a log that has every line and says at its end what is there.
func stateOf(t *testing.T, path string) string {
	t.Helper()
	out, err := inShell(path, "PRAGMA integrity_check", "SELECT count(*) = max(n) FROM log",
		"SELECT (rows, bytes) = (SELECT count(*), total(length(body)) FROM notes) FROM log ORDER BY n DESC LIMIT 1",
		"SELECT max(n) || ' lines, ' || (SELECT count(*) FROM notes) || ' rows, ' || "+
			"hex(sha3_query('SELECT * FROM notes ORDER BY id; SELECT * FROM log ORDER BY n', 224)) FROM log")
	state, ok := strings.CutPrefix(out, "ok\n1\n1\n")
	if err != nil || !ok {
		t.Errorf("%s: %s, %v", filepath.Base(path), out, err)
	}
	return state
}

// stockAgrees restores the newest point with Litestream itself.
func (c *cycle) stockAgrees() {
	c.t.Helper()
	dir := c.t.TempDir()
	o := litestream.NewRestoreOptions()
	o.OutputPath = filepath.Join(dir, "stock.db")
	if err := litestream.NewReplicaWithClient(nil, c.target.ReplicaClient(twinUser, "m1")).Restore(c.t.Context(), o); err != nil {
		c.t.Fatalf("stock restore: %v", err)
	}
	plan, err := c.replica().Plan(c.t.Context(), "m1", app.Moment{})
	ours := filepath.Join(dir, "ours.db")
	if err == nil {
		err = c.replica().Fetch(c.t.Context(), plan, ours, nil)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if sumOfFile(c.t, ours) != sumOfFile(c.t, o.OutputPath) {
		c.t.Errorf("Litestream restores %s otherwise", plan.Point.ID)
	}
}

func sumOfFile(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return string(h.Sum(nil))
}

// jumpyClock goes on as clocks do, and jumps.
type jumpyClock struct{ ahead atomic.Int64 }

func (c *jumpyClock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *jumpyClock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// slowStore takes its time.
type slowStore struct {
	store
	wait      time.Duration
	perSecond int64 // bytes
}

func (s *slowStore) take(n int64) {
	time.Sleep(s.wait + time.Duration(n*int64(time.Second)/s.perSecond))
}

func (s *slowStore) put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	n, err := s.store.put(ctx, key, at, write)
	s.take(n)
	return n, err
}

func (s *slowStore) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	s.take(0)
	return s.store.open(ctx, key, offset, size)
}
