package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

const fill = `INSERT INTO app.messages (tenant_id, id, user_id, content, role, hash, source_type)
	SELECT 'acme', gen_random_uuid(), 'bob', repeat(md5(g::text), 4), 'user', md5(g::text), 'chat' FROM generate_series(1, $1::int) g`

// BenchmarkInitialSync is a first sync of 100,000 rows to a reader that discards them. The durability settings are those
// of production.
func BenchmarkInitialSync(b *testing.B) {
	const rows = 100_000
	s := product(b, pgtest.Start(b).New(b))
	s.db.Exec(b, acme)
	s.db.Exec(b, fill, rows)
	start := time.Now()
	s.write(b)
	url, _ := s.serve(b)
	b.Logf("the log of %d rows was built in %v", rows, time.Since(start).Round(10*time.Millisecond))
	for _, encoding := range []string{"identity", "gzip", "zstd"} {
		b.Run(encoding, func(b *testing.B) {
			var size int64
			for b.Loop() {
				size = discard(b, url, encoding, int64(rows))
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(size)/rows, "B/row")
		})
	}
}

// discard reads a stream until nothing more comes, which for a compressed one is a guess by its size.
func discard(b *testing.B, url, encoding string, rows int64) (size int64) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/sync/stream", strings.NewReader(request("c", nil)))
	r.Header.Set("Authorization", "Token "+worker("acme", "bob"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Encoding", encoding)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	counted := &counter{Reader: response.Body}
	lines := bufio.NewReaderSize(decoded(b, counted, encoding), 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			b.Fatal(err)
		}
		if bytes.HasPrefix(line, []byte(`{"checkpoint_complete"`)) {
			return counted.n
		}
	}
}

type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// BenchmarkLatency is the time from a COMMIT to the line that completes its checkpoint, with 100,000 rows in the log and
// twenty other streams of the same person open.
func BenchmarkLatency(b *testing.B) {
	s := product(b, pgtest.Start(b).New(b))
	s.db.Exec(b, acme)
	s.db.Exec(b, fill, 100_000)
	s.write(b)
	url, _ := s.serve(b)
	for _, others := range []int{0, 20} {
		b.Run(fmt.Sprintf("beside_%d", others), func(b *testing.B) { latency(b, s, url, others) })
	}
}

func latency(b *testing.B, s *site, url string, others int) {
	streams := []*connection{}
	for range others + 1 {
		c := connect(b, url, worker("acme", "bob"), request("c", nil))
		c.until("checkpoint_complete")
		streams = append(streams, c)
	}
	for _, c := range streams[1:] {
		go func() {
			for range c.lines { // read and forgotten
			}
		}()
	}
	conn := s.source(b)
	var took []time.Duration
	for b.Loop() {
		if _, err := conn.Exec(b.Context(), fill, 1); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		streams[0].until("checkpoint_complete")
		took = append(took, time.Since(start))
		time.Sleep(20 * time.Millisecond) // writers are not in step with readers
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	for _, c := range streams {
		c.close()
	}
}

// BenchmarkReplication is how fast a transaction of 100,000 rows gets from its COMMIT into the log.
func BenchmarkReplication(b *testing.B) {
	const rows = 100_000
	s := product(b, pgtest.Start(b).New(b))
	s.db.Exec(b, acme)
	s.write(b)
	url, _ := s.serve(b)
	conn := s.source(b)
	for b.Loop() {
		if _, err := conn.Exec(b.Context(), fill, rows); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		settle(b, conn, url)
		b.ReportMetric(rows/time.Since(start).Seconds(), "rows/s")
	}
}
