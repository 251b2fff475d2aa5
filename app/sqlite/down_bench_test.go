//go:build unix

package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// BenchmarkFirstSync is the write path of a first sync. FIRST_SYNC_LINES names a recorded stream (scenario 16); without it
// one of the same shape is made up. FIRST_SYNC_ROWS is how many rows, by default 100,000. Another connection writes a row every 20 ms meanwhile, and how long it waits is told.
func BenchmarkFirstSync(b *testing.B) {
	rows := 100_000
	if text := os.Getenv("FIRST_SYNC_ROWS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		rows = n
	}
	for b.Loop() {
		firstSync(b, rows)
	}
}

func firstSync(b *testing.B, rows int) {
	dir := b.TempDir()
	path := filepath.Join(dir, "context.db")
	k := newClient(b, path, benchTables())
	makeDB(b, path, "CREATE TABLE other (at INTEGER PRIMARY KEY, body TEXT)")
	k.connect()
	stop := make(chan struct{})
	waits := make(chan []time.Duration)
	go func() { waits <- otherWriter(b, path, stop) }()
	cpu, began := cpuTime(), time.Now()
	var peak int64
	feed := func(line []byte) {
		k.hear(line)
		if k.left != "" {
			b.Fatalf("left because of %q", k.left)
		}
		peak = max(peak, folderSize(dir))
	}
	benchStream(b, rows, feed)
	took, used := time.Since(began), cpuTime()-cpu
	close(stop)
	list := <-waits
	n := ask(b, path, "SELECT count(*) FROM messages")
	makeDB(b, path, "PRAGMA wal_checkpoint(TRUNCATE)")
	b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
	b.ReportMetric(float64(used.Microseconds())/float64(rows), "cpu-µs/row")
	b.ReportMetric(float64(size(b, path))/float64(rows), "B/row")
	b.ReportMetric(float64(peak)/float64(rows), "peak-B/row")
	b.ReportMetric(float64(peakMemory())/(1<<20), "peak-MiB")
	b.ReportMetric(float64(percentileOf(list, 50).Microseconds())/1000, "wait-p50-ms")
	b.ReportMetric(float64(percentileOf(list, 99).Microseconds())/1000, "wait-p99-ms")
	b.ReportMetric(float64(percentileOf(list, 100).Microseconds())/1000, "wait-max-ms")
	b.Logf("%s rows, %d writes of another", n, len(list))
}

// BenchmarkPlainInsert is what to hold it against: the same rows of the made-up stream through prepared statements of the
// driver, 10,000 to a transaction, in the order they come, without any bookkeeping.
func BenchmarkPlainInsert(b *testing.B) {
	const rows = 100_000
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "context.db")
		newClient(b, path, benchTables())
		c, err := open(b.Context(), path, modeWrite)
		if err != nil {
			b.Fatal(err)
		}
		cpu := cpuTime()
		if err := c.exec(b.Context(), "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000"); err != nil {
			b.Fatal(err)
		}
		for i := range rows {
			h := hashText([]byte(strconv.Itoa(i)))
			id := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(h>>32), uint16(h>>16), uint16(h)>>4, i&0xfff, i)
			if i%10_000 == 0 {
				err = c.exec(b.Context(), "BEGIN IMMEDIATE")
			}
			err = errors.Join(err, c.exec(b.Context(), "INSERT INTO messages (id, tenant_id, user_id, visibility, role, content, source_type) VALUES (?, ?, ?, ?, ?, ?, ?)",
				id, "ddd6ba26-2b91-59ac-856d-976c0dd340ca", "20b50dc9-5492-52a8-bc6f-74921eefe82f", "private", "user", fmt.Sprintf("Message %d lorem ipsum dolor sit amet", i), "chat"))
			if i%10_000 == 9999 {
				err = errors.Join(err, c.exec(b.Context(), "COMMIT"))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/rows, "cpu-µs/row")
		closing(b, c)
	}
}

func percentileOf(list []time.Duration, p int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := append([]time.Duration(nil), list...)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func folderSize(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// otherWriter writes a row every 20 ms through the same SQLite, and says how long each took.
func otherWriter(b *testing.B, path string, stop chan struct{}) (list []time.Duration) {
	c, err := open(context.Background(), path, modeWrite)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer closing(b, c)
	if err := c.exec(context.Background(), "PRAGMA synchronous = NORMAL"); err != nil {
		b.Error(err)
	}
	for {
		select {
		case <-stop:
			return list
		case <-time.After(20 * time.Millisecond):
		}
		began := time.Now()
		if err := c.exec(context.Background(), "INSERT INTO other (body) VALUES (?)", "x"); err != nil {
			b.Error(err)
			return list
		}
		list = append(list, time.Since(began))
	}
}

func benchTables() []schema.Table {
	var columns []schema.Column
	for _, name := range strings.Fields("id tenant_id user_id team_id visibility created_at updated_at session_id hash role content source_type occurred_at") {
		columns = append(columns, schema.Column{Name: name, Type: schema.Text})
	}
	tables := []schema.Table{{Name: "messages", Columns: columns}}
	for _, name := range []string{"projects", "sessions", "decisions", "skill_learnings", "error_solutions"} {
		tables = append(tables, schema.Table{Name: name, Columns: columns[:7]})
	}
	return tables
}

// benchStream gives feed the lines of a first sync.
func benchStream(b *testing.B, rows int, feed func([]byte)) {
	source := os.Getenv("FIRST_SYNC_LINES")
	if source == "" {
		madeUp(rows, feed)
		return
	}
	file, err := os.Open(source)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	r := bufio.NewReaderSize(unpacking(b, file, source), 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			feed(line)
		}
		if err == io.EOF {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

// madeUp is a stream of messages with random ids of the recorded shape, 1000 to a line.
func madeUp(rows int, feed func([]byte)) {
	sum := uint32(0)
	for i := range rows {
		sum += uint32(i) * 2654435761
	}
	feed(fmt.Appendf(nil, `{"checkpoint":{"last_op_id":"%d","buckets":[{"bucket":"1#mine_messages|0[\"a\",\"b\"]","checksum":%d,"count":%d,"priority":3}]}}`+"\n", rows, int32(sum), rows))
	var line bytes.Buffer
	for from := 0; from < rows; from += 1000 {
		line.Reset()
		line.WriteString(`{"data":{"bucket":"1#mine_messages|0[\"a\",\"b\"]","after":"0","has_more":true,"data":[`)
		for i := from; i < min(from+1000, rows); i++ {
			if i > from {
				line.WriteByte(',')
			}
			h := hashText([]byte(strconv.Itoa(i)))
			id := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(h>>32), uint16(h>>16), uint16(h)>>4, i&0xfff, i)
			fmt.Fprintf(&line, `{"op_id":"%d","op":"PUT","object_type":"messages","object_id":"%s","checksum":%d,"subkey":"3713c094-bf61-4d19-a2da-26b0fcdf8eaf/%s","data":"{\"id\":\"%s\",\"tenant_id\":\"ddd6ba26-2b91-59ac-856d-976c0dd340ca\",\"user_id\":\"20b50dc9-5492-52a8-bc6f-74921eefe82f\",\"team_id\":null,\"visibility\":\"private\",\"created_at\":null,\"updated_at\":null,\"session_id\":null,\"hash\":null,\"role\":\"user\",\"content\":\"Message %d lorem ipsum dolor sit amet\",\"source_type\":\"chat\",\"occurred_at\":null}"}`,
				i+1, id, uint32(i)*2654435761, id, id, i)
		}
		fmt.Fprintf(&line, `],"next_after":"%d"}}`+"\n", min(from+1000, rows))
		feed(line.Bytes())
	}
	feed(fmt.Appendf(nil, `{"checkpoint_complete":{"last_op_id":"%d"}}`+"\n", rows))
}
