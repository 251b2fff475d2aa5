package standalone

import (
	"context"
	"database/sql"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestMonthlyCost: the arithmetic, by hand.
func TestMonthlyCost(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	u := app.Usage{Since: now.Add(-15 * 24 * time.Hour), Writes: 100_000, Reads: 50_000, Fetched: 2e9, Stored: 10e9}
	c := MonthlyCost("gs://memory", u, now)
	// A month has 30 days: 200,000 writes $1.00, 100,000 reads $0.04, 4 GB out $0.48, 10 GB there $0.20.
	if c == nil || c.Writes != 200_000 || c.Reads != 100_000 || c.Fetched != 4e9 || !near(c.Requests, 1.04) || !near(c.Fetching, 0.48) ||
		!near(c.Storage, 0.20) || !near(c.Total, 1.72) || !c.Measured.Equal(u.Since) {
		t.Errorf("two weeks: %+v", c)
	}
	if got, want := c.InWords(), "about $1.72 a month: requests $1.04, 10.0\u00a0GB stored $0.20, test restores $0.48."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	u.Since = now.Add(-3 * time.Hour) // what a first copy and its test restore took is not multiplied by 240
	c = MonthlyCost("gs://memory", u, now)
	if c.Writes != 3_000_000 || c.Fetched != int64(math.Floor(2e9*30/7)) {
		t.Errorf("three hours: %+v", c)
	}
	if again := MonthlyCost("gs://memory", u, now.Add(20*time.Minute)); *again != *c {
		t.Errorf("20 minutes later it is %+v", again)
	}
	if c := MonthlyCost("s3://memory", u, now); c == nil || !near(c.Storage, 0.23) {
		t.Errorf("s3: %+v", c)
	}
	if c := MonthlyCost("file:///mnt/copies", u, now); c == nil || c.Total != 0 || c.Stored != 10e9 || c.InWords() != "nothing: it is a folder of your own." {
		t.Errorf("a folder: %+v", c)
	}
	small := MonthlyCost("gs://memory", app.Usage{Since: now, Writes: 3}, now)
	if got, want := small.InWords(), "less than $0.01 a month: requests $0.00, 0.0\u00a0GB stored $0.00, test restores $0.00."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, unknown := range []string{"s3://memory?endpoint=https://minio.example.com", "sftp://mira@nas/copies"} {
		c := MonthlyCost(unknown, u, now)
		if c == nil || !c.Unpriced || c.Total != 0 || c.Prices != "" || c.Writes != 3_000_000 || c.Stored != 10e9 {
			t.Fatalf("%s: %+v", unknown, c)
		}
		want := "not known, as the prices there are not: about 3,000,000 requests that write and 1,500,000 that read a month, 10.0\u00a0GB stored, 8.6\u00a0GB read by test restores."
		if got := c.InWords(); got != want {
			t.Errorf("%s: %q, want %q", unknown, got, want)
		}
		priced := MonthlyCost("gs://memory", u, now)
		if got := priced.Plus(c); *got != *priced || *c.Plus(priced) != *priced {
			t.Errorf("with one whose prices are not known: %+v", got)
		}
	}
	if c := MonthlyCost("ftp://x", u, now); c != nil {
		t.Errorf("%+v", c)
	}
	if c := MonthlyCost("gs://memory", app.Usage{}, now); c != nil {
		t.Errorf("nothing counted: %+v", c)
	}
}

func near(got, want float64) bool { return math.Abs(got-want) < 1e-9 }

func TestUsageIsOfTheLastMonths(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	u := app.Usage{Since: now.AddDate(0, 0, -61), Writes: 100, Reads: 50, Fetched: 30, Stored: 7}
	want := app.Usage{Since: now.AddDate(0, 0, -30), Writes: 50, Reads: 25, Fetched: 15, Stored: 7}
	if got := u.Recent(now); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := want.Recent(now); got != want {
		t.Errorf("a month is cut to %+v", got)
	}
}

// TestRequestsAreCounted: what the status says was asked of a bucket is what the bucket was asked.
func TestRequestsAreCounted(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		target, g := gcsTarget(t)
		countRequests(t, target, g)
	})
	t.Run("sealed", func(t *testing.T) {
		target, g := gcsTarget(t)
		countRequests(t, target.sealedWith(newKey(t)), g)
	})
}

func countRequests(t *testing.T, target *Target, g *apptest.GCS) {
	path := filepath.Join(t.TempDir(), "memory.db")
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body BLOB); INSERT INTO notes(body) VALUES (randomblob(900000))"); err != nil {
		t.Fatal(err)
	}
	clock := &testClock{t: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	var last app.StandaloneStatus
	before := app.Usage{Since: clock.now().Add(-time.Hour), Writes: 1000, Reads: 100}
	k := NewKeeper(KeeperConfig{
		File: plainFile{path}, Target: target, User: twinUser, Machine: "m1", Lineage: "l1", Tmp: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		Info: func(context.Context) app.MachineInfo { return app.MachineInfo{} }, Now: clock.now, Known: app.StandaloneStatus{Usage: before},
	})
	s := begun(t, k)
	k.onChange(func(r app.Report) { last = *r.Standalone })
	for range 30 {
		clock.pass(20 * time.Second)
		if _, err := db.Exec("INSERT INTO notes(body) VALUES (randomblob(2000))"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	image, _ := fetch(t, s.replica, "m1", app.Moment{}) // as a test restore does
	if err := s.finish(); err != nil {
		t.Fatal(err)
	}
	k.onChange(func(r app.Report) { last = *r.Standalone })
	asked, stored := g.Counts(), int64(0)
	for _, o := range g.Objects("memory", "") {
		if strings.Contains(o.Name, ".ltx") {
			stored += int64(len(g.Read("memory", o.Name)))
		}
	}
	u := last.Usage
	if u.Writes-1000 != int64(asked.A) || u.Reads-100 != int64(asked.B) || !u.Since.Equal(before.Since) {
		t.Errorf("counted %d and %d, asked %+v", u.Writes-1000, u.Reads-100, asked)
	}
	if u.Stored != stored || u.Fetched < 900_000 {
		t.Errorf("counted %d bytes stored and %d read of %s, there are %d", u.Stored, u.Fetched, image, stored)
	}
	t.Logf("30 changes: %d requests that write or list, %d that read, %d bytes stored, %d read: %s", asked.A, asked.B, stored, u.Fetched,
		MonthlyCost("gs://memory", u, clock.now()).InWords())
}
