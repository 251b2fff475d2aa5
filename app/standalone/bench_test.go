package standalone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"

	"github.com/coditect-ai/coditect-sync/app"
)

// BenchmarkFetch restores a database of about 120 MB whose content compresses as text does, beside Litestream's own
// restore of the same objects.
func BenchmarkFetch(b *testing.B) {
	target := fileTarget(b)
	w := newTwin(b, target, "m1", 4096)
	w.large = true
	fill(w, 120)
	w.snapshot()
	for range 20 {
		w.exec("UPDATE notes SET body = body || x'00' WHERE id % 500 = abs(random()) % 500")
		w.send()
	}
	r := replicaOf(target, "m1")
	plan, err := r.Plan(b.Context(), "", app.Moment{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(plan.DBBytes)
		for b.Loop() {
			to := filepath.Join(b.TempDir(), "image.db")
			if err := r.Fetch(b.Context(), plan, to, nil); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = os.Remove(to)
			b.StartTimer()
		}
	})
	b.Run("resumable", func(b *testing.B) {
		b.SetBytes(plan.DBBytes)
		for b.Loop() {
			to := filepath.Join(b.TempDir(), "image.db")
			if _, err := r.Resume(b.Context(), plan, to, to+".notes", nil); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = os.Remove(to)
			b.StartTimer()
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.SetBytes(plan.DBBytes)
		h, err := readHistory(b.Context(), w.client)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			a := &assembly{client: w.client, history: h, objects: h.plan(w.order[len(w.order)-1])}
			if err := a.run(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("litestream", func(b *testing.B) {
		b.SetBytes(plan.DBBytes)
		for b.Loop() {
			o := litestream.NewRestoreOptions()
			o.OutputPath = filepath.Join(b.TempDir(), "image.db")
			if err := litestream.NewReplicaWithClient(nil, w.client).Restore(b.Context(), o); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = os.Remove(o.OutputPath)
			b.StartTimer()
		}
	})
}

// BenchmarkIncrements restores a database of about 120 MB from a full copy and 10,000 changes after it, and in turn the same
// state from a full copy alone: figures are medians, and the ratio that of the pairs. Ours plans anew each time, so that listing
// is in it, as it is in Litestream's.
func BenchmarkIncrements(b *testing.B) {
	const n = 10_000
	changed, alone := fileTarget(b), fileTarget(b)
	w := newTwin(b, changed, "m1", 4096)
	w.large = true
	fill(w, 120)
	w.snapshot()
	rows := 0
	if err := w.sql.QueryRow("SELECT max(id) FROM notes").Scan(&rows); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		w.exec("UPDATE notes SET body = randomblob(1000) || zeroblob(3200) WHERE id = ?", i*7919%rows+1)
		w.send()
	}
	copyTarget(b, changed, alone)
	w.ls.Replica.Client = alone.ReplicaClient(twinUser, "m1")
	w.snapshot()
	ours := func(target *Target, to string) error {
		r := replicaOf(target, "m1")
		plan, err := r.Plan(b.Context(), "", app.Moment{})
		if err != nil {
			return err
		}
		_, err = r.Resume(b.Context(), plan, to, to+".notes", nil)
		return errors.Join(err, os.Remove(to+".notes"))
	}
	stock := func(target *Target, to string) error {
		o := litestream.NewRestoreOptions()
		o.OutputPath = to
		return litestream.NewReplicaWithClient(nil, target.ReplicaClient(twinUser, "m1")).Restore(b.Context(), o)
	}
	for who, restore := range map[string]func(*Target, string) error{"ours": ours, "litestream": stock} {
		once := func(b *testing.B, target *Target) float64 {
			to := filepath.Join(b.TempDir(), "image.db")
			began := time.Now()
			err := restore(target, to)
			took := time.Since(began)
			if err := errors.Join(err, os.Remove(to)); err != nil {
				b.Fatal(err)
			}
			return took.Seconds() * 1000
		}
		b.Run(who, func(b *testing.B) {
			var from, single, ratio []float64
			for b.Loop() {
				from, single = append(from, once(b, changed)), append(single, once(b, alone))
				ratio = append(ratio, from[len(from)-1]/single[len(single)-1])
			}
			for unit, values := range map[string][]float64{"changes-ms": from, "alone-ms": single, "ratio": ratio} {
				slices.Sort(values)
				b.ReportMetric(values[len(values)/2], unit)
			}
		})
	}
}

// copyTarget copies a folder with its times.
func copyTarget(b *testing.B, from, to *Target) {
	b.Helper()
	err := os.CopyFS(to.at.path, os.DirFS(from.at.path))
	if err == nil {
		err = filepath.WalkDir(from.at.path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			fi, err := d.Info()
			if err != nil {
				return err
			}
			return os.Chtimes(to.at.path+strings.TrimPrefix(name, from.at.path), fi.ModTime(), fi.ModTime())
		})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// fill writes about mb megabytes that compress to about a third.
func fill(w *twin, mb int) {
	w.t.Helper()
	for range mb {
		w.exec("INSERT INTO notes(body) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<250) " +
			"SELECT randomblob(1000) || zeroblob(2000) || randomblob(200) || zeroblob(1000) FROM k")
	}
	w.send()
}

// BenchmarkUpload sends a full copy of about 40 MB to a disk through our client and through Litestream's own.
func BenchmarkUpload(b *testing.B) {
	target := fileTarget(b)
	w := newTwin(b, target, "m1", 4096)
	w.large = true
	fill(w, 40)
	f := w.list(0)[0]
	for name, client := range map[string]litestream.ReplicaClient{
		"ours":       target.ReplicaClient("bench", "ours"),
		"litestream": file.NewReplicaClient(filepath.Join(target.at.path, "bench")),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(f.Size)
			b.ReportAllocs()
			for b.Loop() {
				rc, err := w.client.OpenLTXFile(b.Context(), 0, f.MinTXID, f.MaxTXID, 0, 0)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := client.WriteLTXFile(b.Context(), 0, f.MinTXID, f.MaxTXID, rc); err != nil {
					b.Fatal(err)
				}
				_ = rc.Close()
			}
		})
	}
}
