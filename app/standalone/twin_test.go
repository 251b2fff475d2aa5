package standalone

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// twin is a database that Litestream replicates to a target step by step, with a ledger of what it held at each TXID.
type twin struct {
	t       testing.TB
	path    string
	sql     *sql.DB
	ls      *litestream.DB
	client  litestream.ReplicaClient
	machine string
	ledger  map[ltx.TXID]string
	order   []ltx.TXID
	large   bool // the caller keeps the ledger
}

const twinUser = "ada"

func newTwin(t testing.TB, target *Target, machine string, pageSize int) *twin {
	t.Helper()
	return newTwinOn(t, target.ReplicaClient(twinUser, machine), machine, pageSize)
}

func newTwinOn(t testing.TB, client litestream.ReplicaClient, machine string, pageSize int) *twin {
	t.Helper()
	w := &twin{t: t, path: filepath.Join(t.TempDir(), "memory.db"), client: client, machine: machine, ledger: map[ltx.TXID]string{}}
	var err error
	if w.sql, err = sql.Open("sqlite", w.path+"?_pragma=busy_timeout(10000)"); err != nil {
		t.Fatal(err)
	}
	w.sql.SetMaxOpenConns(1)
	w.exec(fmt.Sprintf("PRAGMA page_size=%d", pageSize))
	w.exec("PRAGMA journal_mode=WAL")
	w.exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body BLOB)")
	w.ls = litestream.NewDB(w.path)
	w.ls.MonitorInterval = 0
	w.ls.Logger = slog.New(slog.DiscardHandler)
	w.ls.Replica = litestream.NewReplicaWithClient(w.ls, client)
	w.ls.Replica.MonitorEnabled = false
	if err := w.ls.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.ls.Close(context.Background()); err != nil {
			t.Logf("close litestream: %v", err)
		}
		if err := w.sql.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return w
}

func (w *twin) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.sql.Exec(query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

// write commits rows of random bytes, changes and deletes some, and sends it all as one TXID.
func (w *twin) write(rows, size int) ltx.TXID {
	w.t.Helper()
	w.exec("INSERT INTO notes(body) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<?) SELECT randomblob(?) FROM k", rows, size)
	w.exec("UPDATE notes SET body=randomblob(?) WHERE id % 17 = abs(random()) % 17", size)
	w.exec("DELETE FROM notes WHERE id % 101 = abs(random()) % 101")
	return w.send()
}

func (w *twin) send() ltx.TXID {
	w.t.Helper()
	ctx := context.Background()
	if err := w.ls.Sync(ctx); err != nil {
		w.t.Fatalf("sync: %v", err)
	}
	if err := w.ls.Replica.Sync(ctx); err != nil {
		w.t.Fatalf("upload: %v", err)
	}
	pos, err := w.ls.Pos()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(w.order) == 0 || w.order[len(w.order)-1] != pos.TXID {
		w.order = append(w.order, pos.TXID)
	}
	if !w.large {
		w.ledger[pos.TXID] = contentOf(w.t, w.sql)
	}
	return pos.TXID
}

// merge merges a level into the next, snapshot makes a full copy.
func (w *twin) merge(level int) {
	w.t.Helper()
	_, err := litestream.NewCompactor(w.client, slog.New(slog.DiscardHandler)).Compact(context.Background(), level)
	if err != nil {
		w.t.Fatalf("compact to %d: %v", level, err)
	}
}

func (w *twin) snapshot() {
	w.t.Helper()
	if _, err := w.ls.Snapshot(context.Background()); err != nil {
		w.t.Fatalf("snapshot: %v", err)
	}
}

func (w *twin) drop(level int, keep func(*ltx.FileInfo) bool) {
	w.t.Helper()
	for _, f := range w.list(level) {
		if !keep(f) {
			if err := w.client.DeleteLTXFiles(context.Background(), []*ltx.FileInfo{f}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func (w *twin) list(level int) []*ltx.FileInfo {
	w.t.Helper()
	itr, err := w.client.LTXFiles(context.Background(), level, 0, true)
	if err != nil {
		w.t.Fatal(err)
	}
	infos, err := ltx.SliceFileIterator(itr)
	if err != nil {
		w.t.Fatal(err)
	}
	return infos
}

// contentOf is what a database holds: all rows, hashed, with the file's own check.
func contentOf(t testing.TB, db *sql.DB) string {
	t.Helper()
	rows, err := db.Query("SELECT id, body FROM notes ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	h, n := sha256.New(), 0
	for rows.Next() {
		var id int64
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(h, id, len(body))
		h.Write(body)
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d rows %x", n, h.Sum(nil)[:8])
}

func contentOfFile(t testing.TB, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var ok string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Fatalf("integrity of %s: %q %v", path, ok, err)
	}
	return contentOf(t, db)
}

// stockRestore is what Litestream itself makes of a TXID.
func (w *twin) stockRestore(txid ltx.TXID) []byte {
	w.t.Helper()
	o := litestream.NewRestoreOptions()
	o.OutputPath = filepath.Join(w.t.TempDir(), "stock.db")
	o.TXID = txid
	if err := litestream.NewReplicaWithClient(nil, w.client).Restore(context.Background(), o); err != nil {
		w.t.Fatalf("stock restore of %s: %v", txid, err)
	}
	b, err := os.ReadFile(o.OutputPath)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// fetch restores a moment and returns the image's path and the plan.
func fetch(t testing.TB, r app.Replica, machine string, m app.Moment) (string, app.RestorePlan) {
	t.Helper()
	plan, err := r.Plan(t.Context(), machine, m)
	if err != nil {
		t.Fatalf("plan %+v: %v", m, err)
	}
	to := filepath.Join(t.TempDir(), "image.db")
	if err := r.Fetch(t.Context(), plan, to, nil); err != nil {
		t.Fatalf("fetch %+v: %v", m, err)
	}
	return to, plan
}

// holds asserts that the image of each TXID is exact: byte for byte what Litestream makes, row for row the ledger.
func (w *twin) holds(r app.Replica, txids ...ltx.TXID) {
	w.t.Helper()
	for _, txid := range txids {
		path, plan := fetch(w.t, r, w.machine, app.Moment{Point: txid.String()})
		got, err := os.ReadFile(path)
		if err != nil {
			w.t.Fatal(err)
		}
		if !bytes.Equal(got, w.stockRestore(txid)) {
			w.t.Errorf("%s: the image differs from Litestream's", txid)
		}
		if plan.DBBytes != int64(len(got)) {
			w.t.Errorf("%s: planned %d bytes, got %d", txid, plan.DBBytes, len(got))
		}
		if c := contentOfFile(w.t, path); c != w.ledger[txid] {
			w.t.Errorf("%s: holds %s, want %s", txid, c, w.ledger[txid])
		}
	}
}

// eachTarget runs a test on every kind of target.
func eachTarget(t *testing.T, test func(t *testing.T, target *Target)) {
	t.Run("file", func(t *testing.T) { test(t, fileTarget(t)) })
	t.Run("gs", func(t *testing.T) {
		target, _ := gcsTarget(t)
		patient(t, target)
		test(t, target)
	})
	t.Run("s3", func(t *testing.T) {
		target, _ := s3Target(t)
		patient(t, target)
		test(t, target)
	})
	alsoSFTP(t, test)
}

func s3Target(t testing.TB) (*Target, *apptest.S3) {
	t.Helper()
	server := apptest.StartS3(t, "memory")
	server.Setenv(t)
	return openTarget(t, TargetConfig{URL: server.Target("memory/some/where")}), server
}

func fileTarget(t testing.TB) *Target {
	t.Helper()
	return openTarget(t, TargetConfig{URL: "file://" + filepath.Join(t.TempDir(), "copies")})
}

func gcsTarget(t testing.TB) (*Target, *apptest.GCS) {
	t.Helper()
	g := apptest.StartGCS(t, "memory")
	g.Setenv(t)
	return openTarget(t, TargetConfig{URL: "gs://memory/some/where"}), g
}

// openTarget makes the folder of a file target where its parent exists, as setup does.
func openTarget(t testing.TB, cfg TargetConfig) *Target {
	t.Helper()
	target, err := OpenTarget(t.Context(), cfg)
	if err == nil && (target.Kind() == kindFile || target.Kind() == kindSFTP) {
		err = target.Create(t.Context())
	}
	if err != nil && app.CodeOf(err) != app.CodeNotFound {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := target.Close(); err != nil {
			t.Errorf("close target: %v", err)
		}
	})
	return target
}

func replicaOf(target *Target, machine string) app.Replica {
	return NewReplica(ReplicaConfig{Target: target, User: twinUser, Machine: machine})
}

// mustCode asserts the code of an error and returns it.
func mustCode(t testing.TB, err error, want app.Code) *app.Error {
	t.Helper()
	if app.CodeOf(err) != want {
		t.Fatalf("got %q (%v), want %q", app.CodeOf(err), err, want)
	}
	e := app.AsError("", err)
	if e.Message == "" || e.Hint == "" {
		t.Errorf("no sentence or no hint: %+v", e)
	}
	return e
}
