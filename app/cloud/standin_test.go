package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/sqlite"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// standIn answers as the cloud does, as far as a machine that has nothing to fetch can tell, and keeps what is pushed. It is
// for answers that the real server never gives; TestTwoMachines and others have the real one at the other side.
type standIn struct {
	*httptest.Server
	// before may answer a request in the cloud's place: then it returns true.
	before func(w http.ResponseWriter, r *http.Request) bool

	asked atomic.Int64
	first atomic.Int64 // when it was asked first, in ns since 1970
	mu    sync.Mutex
	got   map[int64]string // groups, as bytes
	mixed bool             // a group came with other bytes than before
	point int64            // the newest write checkpoint
	news  chan struct{}    // closed at the next one
	mute  func() bool      // write checkpoints are not told
}

func newStandIn(t testing.TB, before func(w http.ResponseWriter, r *http.Request) bool) *standIn {
	s := &standIn{before: before, got: map[int64]string{}, news: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *standIn) serve(w http.ResponseWriter, r *http.Request) {
	s.first.CompareAndSwap(0, time.Now().UnixNano())
	s.asked.Add(1)
	body, err := io.ReadAll(r.Body) // else the server does not see that the client leaves
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if s.before != nil && s.before(w, r) {
		return
	}
	switch r.URL.Path {
	case "/v1/push":
		s.push(w, r)
	case "/sync/stream":
		s.stream(w, r)
	case "/sync/checkpoint-request":
		s.checkpoint(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *standIn) push(w http.ResponseWriter, r *http.Request) {
	z, err := zstd.NewReader(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	defer z.Close()
	body, err := io.ReadAll(z)
	batch, bad := pushapi.Decode(body)
	if err != nil || bad != nil {
		http.Error(w, fmt.Sprint(err, bad), http.StatusTeapot)
		return
	}
	answer := pushapi.Answer{Time: time.Now().UTC().Format(time.RFC3339Nano)}
	s.mu.Lock()
	for _, g := range batch.Groups {
		if before, known := s.got[g.Number]; known && before != string(g.Raw) {
			s.mixed = true
		}
		s.got[g.Number] = string(g.Raw)
		answer.Results = append(answer.Results, pushapi.Result{Group: g.Number, Part: g.Part, Status: pushapi.Applied})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *standIn) checkpoint(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Number string `json:"checkpoint_request_id"`
	}
	_ = json.NewDecoder(r.Body).Decode(&asked)
	n, _ := strconv.ParseInt(asked.Number, 10, 64)
	s.mu.Lock()
	if s.point = max(s.point, n); s.mute == nil || !s.mute() {
		close(s.news)
		s.news = make(chan struct{})
	}
	s.mu.Unlock()
	_, _ = fmt.Fprintf(w, `{"data":{"checkpoint_request_id":"%d"}}`, n)
}

// stream tells of write checkpoints until the client leaves.
func (s *standIn) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush := func(format string, args ...any) {
		_, _ = fmt.Fprintf(w, format+"\n", args...)
		_ = http.NewResponseController(w).Flush()
	}
	flush(`{"checkpoint":{"last_op_id":"1","buckets":[],"streams":[]}}`)
	flush(`{"checkpoint_complete":{"last_op_id":"1"}}`)
	for {
		s.mu.Lock()
		point, news := s.point, s.news
		s.mu.Unlock()
		if point > 0 && (s.mute == nil || !s.mute()) {
			flush(`{"checkpoint_diff":{"last_op_id":"1","write_checkpoint":"%d","updated_buckets":[],"removed_buckets":[]}}`, point)
			flush(`{"checkpoint_complete":{"last_op_id":"1"}}`)
		}
		select {
		case <-news:
		case <-r.Context().Done():
			return
		}
	}
}

// groups is how many came, and whether each was always the same.
func (s *standIn) groups() (n int, same bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got), !s.mixed
}

// coins hands out tokens that are numbered, and forgets those that are refused.
type coins struct {
	n    atomic.Int64
	hang func() bool // Token does not return
}

func (c *coins) Token(context.Context) (string, error) {
	if c.hang != nil && c.hang() {
		select {}
	}
	return "token-" + strconv.FormatInt(c.n.Load(), 10), nil
}

func (c *coins) Refuse(token string) {
	if n := c.n.Load(); token == "token-"+strconv.FormatInt(n, 10) {
		c.n.CompareAndSwap(n, n+1)
	}
}

// alone is a machine with a stand-in for its cloud.
func alone(t testing.TB, url string, tokens Tokens, edit func(*Config)) *desk {
	t.Helper()
	d := &desk{t: t, name: "studio", home: t.TempDir(), user: "mira"}
	path := filepath.Join(d.home, "context.db")
	var err error
	if d.file, err = sqlite.New(sqlite.Config{Path: path, Logger: d.logger()}); err != nil {
		t.Fatal(err)
	}
	if err := d.file.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.db = apptest.OpenDB(t, path)
	c := Config{Server: url, User: "mira", Machine: "studio", File: d.file, Tokens: tokens, Logger: d.logger(),
		Known: app.CloudStatus{LastSyncedAt: time.Now(), LastProof: &app.Proof{At: time.Now(), Equal: true}}}
	if edit != nil {
		edit(&c)
	}
	d.plain = &c
	return d
}
