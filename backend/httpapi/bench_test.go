package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// BenchmarkPush compares rows that arrive through HTTP, verified, under row-level security and with a ledger, with COPY of
// the same rows by the superuser into a table of the same shape: alternated, on one PostgreSQL that flushes for real. The
// metric ratio is of the medians.
func BenchmarkPush(b *testing.B) {
	server := pgtest.Start(b)
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := newServer(b, server.New(b), plenty)
			s.db.Exec(b, "CREATE TABLE public.copied (LIKE app.messages INCLUDING ALL)")
			conn := s.db.Connect(b, "postgres")
			token := s.token(b, "ann")
			var pushed, copied []time.Duration
			for n := 0; b.Loop(); n++ {
				body, rows := messages(n, size)
				begun := time.Now()
				post(b, s.url, token, body, pushapi.Applied)
				pushed = append(pushed, time.Since(begun))
				begun = time.Now()
				copyRows(b, conn, rows)
				copied = append(copied, time.Since(begun))
			}
			reportPush(b, size, pushed, copied)
		})
	}
}

func reportPush(b *testing.B, rows int, pushed, copied []time.Duration) {
	push, copying := median(pushed), median(copied)
	b.ReportMetric(float64(rows)/push, "push-rows/s")
	b.ReportMetric(float64(rows)/copying, "copy-rows/s")
	b.ReportMetric(copying/push, "ratio")
}

// BenchmarkPushInParts is the same for a group of 50,000 changes, all of which take effect at once.
func BenchmarkPushInParts(b *testing.B) {
	const parts, size = 50, 1000
	s := newServer(b, pgtest.Start(b).New(b), plenty)
	s.db.Exec(b, "CREATE TABLE public.copied (LIKE app.messages INCLUDING ALL)")
	conn, token := s.db.Connect(b, "postgres"), s.token(b, "ann")
	var pushed, copied []time.Duration
	for n := 0; b.Loop(); n++ {
		var bodies [][]byte
		var all [][]any
		for part := range parts {
			batch, rows := batchOf(n*parts+part, size)
			whole := pushapi.Group{Number: int64(n + 1), Part: part + 1, Parts: parts}
			for _, g := range batch.Groups {
				whole.Changes = append(whole.Changes, g.Changes...)
			}
			batch.Groups = []pushapi.Group{whole}
			body, _ := json.Marshal(batch)
			bodies, all = append(bodies, body), append(all, rows...)
		}
		begun := time.Now()
		for part, body := range bodies {
			want := pushapi.Staged
			if part == parts-1 {
				want = pushapi.Applied
			}
			post(b, s.url, token, body, want)
		}
		pushed = append(pushed, time.Since(begun))
		begun = time.Now()
		copyRows(b, conn, all)
		copied = append(copied, time.Since(begun))
	}
	reportPush(b, parts*size, pushed, copied)
}

// median is in seconds.
func median(all []time.Duration) float64 {
	slices.Sort(all)
	return all[len(all)/2].Seconds()
}

var messageColumns = []string{"tenant_id", "id", "user_id", "created_at", "updated_at", "session_id", "hash", "role", "content", "hlc"}

// messages is a request of 10 groups with size messages of some 300 bytes, and the same as rows for COPY.
func messages(n, size int) ([]byte, [][]any) {
	batch, rows := batchOf(n, size)
	body, _ := json.Marshal(batch)
	return body, rows
}

func batchOf(n, size int) (pushapi.Batch, [][]any) {
	batch := pushapi.Batch{MachineID: "ann-pc", ClientID: "c", SchemaVersion: 1, Groups: make([]pushapi.Group, 10)}
	rows := make([][]any, size)
	now := "2026-11-20T14:02:05.123Z"
	content := strings.Repeat("context memory of some length ", 9)
	for i := range size {
		id := fmt.Sprintf("019aa0c0-%04x-7000-8000-%012x", n&0xffff, n<<16+i)
		hash := fmt.Sprintf("%064x", n<<16+i)
		hlc := pushapi.NewHLC(time.Now(), uint16(i), "c")
		data, _ := json.Marshal(map[string]any{"created_at": now, "updated_at": now, "session_id": "019aa0c0-0000-7000-8000-000000000001",
			"hash": hash, "role": "user", "content": content})
		g := &batch.Groups[i*10/size]
		g.Number = int64(n*10 + i*10/size + 1)
		g.Changes = append(g.Changes, pushapi.Change{Table: "messages", Op: pushapi.Put, ID: id, Data: data, HLC: hlc})
		rows[i] = []any{"acme", id, "ann", now, now, "019aa0c0-0000-7000-8000-000000000001", hash, "user", content, string(hlc)}
	}
	return batch, rows
}

func post(b *testing.B, url, token string, body []byte, want pushapi.Status) {
	r, err := http.NewRequestWithContext(b.Context(), "POST", url+"/v1/push", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var a pushapi.Answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil || response.StatusCode != http.StatusOK || a.Results[len(a.Results)-1].Status != want {
		b.Fatal(response.Status, err, a)
	}
}

func copyRows(b *testing.B, conn *pgx.Conn, rows [][]any) {
	if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{"public", "copied"}, messageColumns, pgx.CopyFromRows(rows)); err != nil {
		b.Fatal(err)
	}
}
