//go:build linux

package stream

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

// crowd is a tenant of $1 people, each with ten projects and a row in each, and one project that all may read.
const crowd = `
	INSERT INTO app.tenants VALUES ('crowd', 'Crowd');
	INSERT INTO app.users (tenant_id, id, email) SELECT 'crowd', 'u' || g, 'u' || g || '@x' FROM generate_series(1, %[1]d) g;
	INSERT INTO app.projects (tenant_id, id, user_id, visibility)
		SELECT 'crowd', 'p' || g || '_' || k, 'u' || g, 'private' FROM generate_series(1, %[1]d) g, generate_series(1, 10) k;
	INSERT INTO app.messages (tenant_id, id, user_id, project_id, content)
		SELECT 'crowd', 'm' || g || '_' || k, 'u' || g, 'p' || g || '_' || k, repeat('x', 200) FROM generate_series(1, %[1]d) g, generate_series(1, 10) k;
	INSERT INTO app.projects (tenant_id, id, user_id, visibility) VALUES ('crowd', 'everybody', 'u1', 'org');`

// memory is a process's resident memory in MB, at present and at most.
func memory(b *testing.B, pid int) (now, most float64) {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		key, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch key {
		case "VmRSS":
			now = kilobytes / 1024
		case "VmHWM":
			most = kilobytes / 1024
		}
	}
	return now, most
}

// listener is a stream whose lines are looked at and forgotten; complete says when a checkpoint was.
type listener struct{ complete chan time.Time }

func listen(b *testing.B, ctx context.Context, url, who string) *listener {
	b.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/sync/stream", strings.NewReader(request("c-"+who, nil)))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Token "+worker("crowd", who))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		b.Fatalf("%d %s", response.StatusCode, text)
	}
	l := &listener{complete: make(chan time.Time, 1000)}
	go func() {
		defer response.Body.Close()
		lines := bufio.NewReaderSize(response.Body, 4<<10)
		begins := true
		for {
			part, more, err := lines.ReadLine()
			if err != nil {
				return
			}
			if begins && bytes.HasPrefix(part, []byte(`{"checkpoint_complete"`)) {
				l.complete <- time.Now()
			}
			begins = !more
		}
	}()
	return l
}

func (l *listener) wait(b *testing.B) time.Time {
	b.Helper()
	select {
	case at := <-l.complete:
		return at
	case <-time.After(2 * patience):
		b.Fatal("no checkpoint came")
		return time.Time{}
	}
}

func gathered(b *testing.B, streams int) (all []*listener, conn *pgx.Conn, pid int, before float64) {
	b.Helper()
	s := product(b, pgtest.Start(b).New(b))
	s.db.Exec(b, fmt.Sprintf(crowd, streams))
	url, pid, _ := s.start(b, asProduct+"=yes")
	waitFor(b, func() error {
		if got := get(b, url+"/probes/readiness", ""); !strings.HasPrefix(got, "200") {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
	before, _ = memory(b, pid)
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	begun := time.Now()
	for i := range streams {
		all = append(all, listen(b, ctx, url, "u"+strconv.Itoa(i+1)))
	}
	for _, l := range all {
		l.wait(b)
	}
	b.Logf("%d streams, 36 buckets each, were complete after %v", streams, time.Since(begun).Round(time.Millisecond))
	return all, s.source(b), pid, before
}

// BenchmarkIdleStreams is what 1,000 people's streams cost a server of its own while nothing happens: each has ten projects.
func BenchmarkIdleStreams(b *testing.B) {
	for b.Loop() {
		_, _, pid, before := gathered(b, 1000)
		time.Sleep(30 * time.Second) // what starting them took is collected
		now, most := memory(b, pid)
		b.ReportMetric(before, "MB-before")
		b.ReportMetric(now, "MB")
		b.ReportMetric(most, "MB-at-most")
		b.ReportMetric((now-before)*1024/1000, "kB/stream")
	}
}

// BenchmarkFanOut commits rows of a project that everybody reads, one after another, and waits until all streams have each:
// commits × streams.
func BenchmarkFanOut(b *testing.B) {
	for _, streams := range []int{1, 50, 200} {
		b.Run(strconv.Itoa(streams), func(b *testing.B) {
			all, conn, pid, _ := gathered(b, streams)
			first, last := []time.Duration{}, []time.Duration{}
			n := 0
			begun := time.Now()
			for b.Loop() {
				n++
				if _, err := conn.Exec(b.Context(), `INSERT INTO app.messages (tenant_id, id, user_id, project_id, content)
					VALUES ('crowd', $1, 'u1', 'everybody', repeat('y', 200))`, "f"+strconv.Itoa(n)); err != nil {
					b.Fatal(err)
				}
				committed := time.Now()
				var took []time.Duration
				for _, l := range all {
					took = append(took, l.wait(b).Sub(committed))
				}
				slices.Sort(took)
				first, last = append(first, took[0]), append(last, took[len(took)-1])
			}
			rate := float64(n) / time.Since(begun).Seconds()
			now, _ := memory(b, pid)
			b.ReportMetric(rate*float64(streams), "lines/s")
			b.ReportMetric(median(first), "first-ms")
			b.ReportMetric(median(last), "last-ms")
			b.ReportMetric(now, "MB")
		})
	}
}

func median(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2].Microseconds()) / 1000
}
