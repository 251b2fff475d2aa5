//go:build linux

package sqlite

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// BenchmarkCapture writes 1,000 rows of about 500 bytes a transaction, from a process of its own, into a plain file and into
// an enrolled one, in turns: CPU time of the writer per row.
func BenchmarkCapture(b *testing.B) {
	const rows = 20_000
	statements := map[string]string{
		"insert": "INSERT INTO messages (id, content, hash, role, session_id, source_type, occurred_at, user_id) VALUES (?1, ?2, ?3, 'user', ?3, 'jsonl', '2026-11-27T07:00:00.000Z', 'u')",
		"update": "UPDATE messages SET role = ?2, occurred_at = ?3 WHERE id = ?1",
		"delete": "DELETE FROM messages WHERE id = ?1",
	}
	const writer = `import sqlite3, sys, resource
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA synchronous = NORMAL")
n, text = int(sys.argv[2]), "x" * 350
before = resource.getrusage(resource.RUSAGE_SELF)
for i in range(n):
    if i % 1000 == 0:
        c.execute("BEGIN IMMEDIATE")
    c.execute(sys.argv[3], ("%08x-row" % (i * 2654435761 % 4294967296), text, "%064x" % i))
    if i % 1000 == 999:
        c.execute("COMMIT")
after = resource.getrusage(resource.RUSAGE_SELF)
print((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / n * 1e6)
`
	for b.Loop() {
		plain := newFile(b)
		if err := plain.Create(b.Context()); err != nil {
			b.Fatal(err)
		}
		cpu := map[string]float64{}
		for _, f := range []*File{plain, enrolledMemory(b)} {
			for _, what := range []string{"insert", "update", "delete"} {
				sql := statements[what]
				if what == "delete" {
					sql += " AND (?2 IS NOT NULL OR ?3 IS NOT NULL)"
				}
				out, err := exec.Command("python3", "-c", writer, f.path, fmt.Sprint(rows), sql).Output()
				if err != nil {
					b.Fatal(err)
				}
				var us float64
				if _, err := fmt.Sscan(string(out), &us); err != nil {
					b.Fatal(err)
				}
				if f == plain {
					cpu[what] = us
					b.ReportMetric(us, what+"-us/row")
				} else {
					b.ReportMetric(us/cpu[what], what+"-ratio")
				}
			}
		}
	}
}

// BenchmarkPush reads a million waiting rows out, and settles them.
func BenchmarkPush(b *testing.B) {
	rows := 1_000_000
	if n, err := fmt.Sscan(os.Getenv("BENCH_ROWS"), &rows); n > 0 && err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		empty := pushAndMeasure(b, enrolledMemory(b, "INSERT INTO messages (id, content, hash) VALUES ('m', 'one', 'h')"))
		f := enrolledMemory(b)
		makeDB(b, f.path, fmt.Sprintf("WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d) INSERT INTO messages (id, content, hash, role) SELECT printf('%%08x-row', i), printf('%%.*c', 350, 'x'), printf('%%064x', i), 'user' FROM k", rows))
		full := pushAndMeasure(b, f)
		b.ReportMetric(float64(full)/float64(empty), "rss-ratio")
		b.ReportMetric(float64(full), "rss-kB")
		b.ReportMetric(float64(empty), "rss-empty-kB")
	}
}

// pushAndMeasure has another process push everything, and returns its most memory in kB.
func pushAndMeasure(b *testing.B, f *File) int64 {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childJob+"=drain", childArgs+"="+f.path, childDies+"=1000000000")
	started := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.Logf("%v, cpu %v: %s", time.Since(started).Round(time.Millisecond), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(time.Millisecond), out)
	_, after, _ := strings.Cut(string(out), "VmHWM:")
	var kB int64
	if _, err := fmt.Sscan(after, &kB); err != nil {
		b.Fatal(err)
	}
	return kB
}

// BenchmarkLook is a look that finds nothing to send, as after every change of the file that is not one of a row.
func BenchmarkLook(b *testing.B) {
	f := enrolledMemory(b, "INSERT INTO messages (id, content, hash) VALUES ('m', 'one', 'h')")
	drainQueue(b, f)
	for name, look := range map[string]func() error{
		"mark":    func() error { _, _, err := f.QueueMark(b.Context()); return err },
		"next":    func() error { next(b, f); return nil },
		"capture": func() error { capture(b, f); return nil },
	} {
		b.Run(name, func(b *testing.B) {
			cpu := cpuTime()
			for b.Loop() {
				if err := look(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-us")
		})
	}
}

// BenchmarkEdit is what one edit costs from the look that finds it to the answer that is taken.
func BenchmarkEdit(b *testing.B) {
	f := enrolledMemory(b, "INSERT INTO decisions (id, decision) VALUES ('d', 'one')")
	drainQueue(b, f)
	c, err := open(b.Context(), f.path, modeWrite)
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, c)
	var looked, taken time.Duration
	for n := 0; b.Loop(); n++ {
		if err := c.exec(b.Context(), "UPDATE decisions SET decision = ? WHERE id = 'd'", fmt.Sprint(n)); err != nil {
			b.Fatal(err)
		}
		began := cpuTime()
		out := next(b, f)
		looked += cpuTime() - began
		began = cpuTime()
		settle(b, f, out, "applied")
		taken += cpuTime() - began
	}
	b.ReportMetric(float64(looked.Microseconds())/float64(b.N), "next-cpu-us")
	b.ReportMetric(float64(taken.Microseconds())/float64(b.N), "settle-cpu-us")
}
