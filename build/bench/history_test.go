//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"
)

const (
	// changes is how many objects a history has after its full copy, each a transaction, none merged.
	changes = 10_000
	// historySize is that of the file, in MiB.
	historySize = 120
)

var historyGoals = []goal{
	{what: "restore, changes", label: "restore from a full copy of 120 MiB and 10,000 changes", unit: "s", ratio: 1},
	{what: "restore, full copy", label: "the same rows from a full copy alone", unit: "s", ratio: 1},
	{what: "restore, changes over full copy", label: "the one over the other", unit: "times", most: 1.5},
	{what: "restore, changes, memory", label: "most memory (RSS) with the changes", unit: "MiB", most: 256},
}

// BenchmarkHistory restores from a long history with each program's command, as a person does (make bench-restore): ours checks
// what it restored, stock does not. STOCK_LITESTREAM is the stock program; without it ours is measured alone.
func BenchmarkHistory(b *testing.B) {
	for range b.N {
		if b.N > 1 {
			b.Fatal("run it with -benchtime 1x")
		}
		if out, err := exec.Command("make", "-C", "../..", "build").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		o := options{program: filepath.Join("..", "bin", "coditect-sync"), dir: b.TempDir(), rounds: fromEnvironment(b, "BENCH_ROUNDS", 10)}
		if err := o.absolute(); err != nil {
			b.Fatal(err)
		}
		o.stock = os.Getenv("STOCK_LITESTREAM")
		var f figures
		if err := history(b.Context(), o, &f); err != nil {
			b.Fatal(err)
		}
		if err := f.save(os.Stdout, "../tmp", "bench-history", f.table(historyGoals)); err != nil {
			b.Fatal(err)
		}
	}
}

// history restores from a full copy and 10,000 changes after it, and in turn the same rows from a full copy alone. Both programs
// read the same objects.
func history(ctx context.Context, o options, f *figures) error {
	from, alone := filepath.Join(o.dir, "changes"), filepath.Join(o.dir, "alone")
	progress(f, "making a history of %d changes", changes)
	ours, err := homes(ctx, o, from, alone)
	if err == nil {
		err = makeHistory(ctx, ours[0].db, ours[0].replica, ours[1].replica)
	}
	if err != nil {
		return err
	}
	for round := range o.rounds {
		programs := map[string][2]subject{"ours": ours}
		if o.stock != "" {
			programs["stock"] = [2]subject{ofFolder(o.stock, ours[0]), ofFolder(o.stock, ours[1])}
		}
		for name, both := range programs {
			progress(f, "restoring %d changes with %s, round %d of %d", changes, name, round+1, o.rounds)
			if err := bringBoth(ctx, f, name, both, round); err != nil {
				return err
			}
		}
	}
	return nil
}

// bringBoth restores from the changes and from the full copy alone. Which comes first changes from round to round.
func bringBoth(ctx context.Context, f *figures, name string, both [2]subject, round int) error {
	var took [2]float64
	for turn := range both {
		i := (turn + round) % len(both)
		s := both[i]
		to := filepath.Join(s.dir, "restored.db")
		used, err := s.bring(ctx, to)
		if err == nil && round == 0 {
			err = sameRows(ctx, both[0].db, to)
		}
		if err = errors.Join(err, os.Remove(to)); err != nil {
			return err
		}
		took[i] = used.took.Seconds()
		if i == 0 {
			f.add("restore, changes, memory", name, mib(used.rss))
		}
	}
	f.add("restore, changes", name, took[0])
	f.add("restore, full copy", name, took[1])
	f.add("restore, changes over full copy", name, took[0]/took[1])
	return nil
}

// homes are two of ours, each with an empty storage for the same file. Their replica is the folder that holds the objects.
func homes(ctx context.Context, o options, dirs ...string) (out [2]subject, err error) {
	for i, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(dir, "target"), 0o700); err != nil {
			return out, err
		}
		s := ours(o.program, dir)
		if _, err := python(ctx, "fill", s.db, strconv.Itoa(historySize)); err != nil {
			return out, err
		}
		if _, err := s.setUp(ctx); err != nil {
			return out, err
		}
		if s.replica, err = s.emptied(ctx); err != nil {
			return out, err
		}
		out[i] = s
	}
	return out, nil
}

// emptied makes the storage known by a first copy, takes that away again, here and there, and returns the folder it was in.
func (s subject) emptied(ctx context.Context) (folder string, err error) {
	p, err := s.start()
	if err != nil {
		return "", err
	}
	_, err = s.copied(ctx, p)
	if err = errors.Join(err, p.stop()); err != nil {
		return "", err
	}
	machines, err := filepath.Glob(filepath.Join(s.replica, "standalone", "bench", "*", "machine.json"))
	if err == nil && len(machines) != 1 {
		err = fmt.Errorf("%d machines at %s", len(machines), s.replica)
	}
	if err != nil {
		return "", err
	}
	folder = filepath.Dir(machines[0])
	return folder, errors.Join(os.RemoveAll(filepath.Join(folder, "ltx")), os.RemoveAll(litestream.NewDB(s.db).MetaPath()))
}

// ofFolder is the stock program for the objects of ours.
func ofFolder(program string, ours subject) subject {
	s := ours
	s.restore = func(to string) []string {
		return []string{program, "restore", "-o", to, (&url.URL{Scheme: "file", Path: ours.replica}).String()}
	}
	return s
}

// makeHistory replicates a file change by change to a folder, and then to another one, where a full copy of its end follows.
func makeHistory(ctx context.Context, path, to, alone string) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ls := litestream.NewDB(path)
	ls.Logger, ls.MonitorInterval = slog.New(slog.DiscardHandler), 0
	ls.Replica = litestream.NewReplicaWithClient(ls, file.NewReplicaClient(to))
	ls.Replica.MonitorEnabled = false
	if err := ls.Open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ls.Close(ctx)) }()
	if err := sendChanges(ctx, db, ls); err != nil {
		return err
	}
	if err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(to, "ltx"), alone).Run(); err != nil { // with their times
		return err
	}
	ls.Replica.Client = file.NewReplicaClient(alone)
	_, err = ls.Snapshot(ctx)
	return err
}

// sendChanges sends a full copy and then the changes of rows that lie all over the file.
func sendChanges(ctx context.Context, db *sql.DB, ls *litestream.DB) error {
	rows := 0
	err := db.QueryRowContext(ctx, "SELECT max(id) FROM messages").Scan(&rows)
	if err == nil {
		err = ls.SyncAndWait(ctx)
	}
	if err == nil {
		_, err = ls.Snapshot(ctx)
	}
	for i := 0; i < changes && err == nil; i++ {
		_, err = db.ExecContext(ctx, "UPDATE messages SET body = body || hex(randomblob(16)) WHERE id = ?", i*7919%rows+1)
		if err == nil {
			err = ls.SyncAndWait(ctx)
		}
	}
	return err
}
