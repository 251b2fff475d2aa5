package sqlite

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkFillSearch indexes messages of twenty words each: BENCH_ROWS of them, 20,000 by default.
func BenchmarkFillSearch(b *testing.B) {
	rows := 20_000
	if n, err := fmt.Sscan(os.Getenv("BENCH_ROWS"), &rows); n > 0 && err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f := newFile(b)
		if err := f.Create(b.Context()); err != nil {
			b.Fatal(err)
		}
		makeDB(b, f.path, fmt.Sprintf("WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d), w(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM w WHERE n < 20) "+
			"INSERT INTO messages (id, content, hash, role) SELECT printf('%%08x-row', i * 2654435761 %% 4294967296), (SELECT group_concat('w' || abs(i * 7919 + n * n * 104729) %% 5000, ' ') FROM w), printf('%%064x', i), 'user' FROM k", rows))
		cpu := cpuTime()
		if _, err := f.FillSearch(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(rows), "cpu-us/row")
		b.ReportMetric(float64(size(b, f.path))/float64(rows), "B/row")
	}
}
