package stream

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
)

// patience is how long a test waits for what must come, on a machine that does much else.
const patience = 30 * time.Second

// site is a database with the tables of the recordings and a log, and what runs on it.
type site struct {
	db     *pgtest.DB
	rules  rules.Definition
	schema string
	public string // publication
	role   string // of the writer and the servers

	address  string // of the next server; empty = any port
	verifier Verifier
	beside   http.Handler // what answers below /v1/
}

// recorded is a site with the tables and rules of the recordings.
func recorded(t testing.TB, db *pgtest.DB) *site {
	t.Helper()
	text, err := os.ReadFile("testdata/recordings/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, strings.Replace(string(text), "PUBLICATION powersync", "PUBLICATION recorded", 1))
	s := &site{db: db, rules: recordedRules(), schema: "public", public: "recorded", role: "postgres"}
	s.createLog(t)
	return s
}

// product is a site with the product's tables and rules.
func product(t testing.TB, db *pgtest.DB) *site {
	t.Helper()
	s := &site{db: db, rules: Memory(), schema: Schema, public: Publication, role: Role}
	s.createLog(t)
	return s
}

func (s *site) createLog(t testing.TB) {
	t.Helper()
	conn := s.db.Connect(t, "postgres")
	t.Cleanup(func() { s.released(t) }) // after the writers of the test, which are made later
	if err := oplog.CreateSchema(t.Context(), conn, s.role); err != nil {
		t.Fatal(err)
	}
}

// recordedRules are those of testdata/recordings/sync-config.yaml.
func recordedRules() rules.Definition {
	personal := []string{"tenant_id", "user_id"}
	own := func(tables ...string) (all []rules.Source) {
		for _, table := range tables {
			all = append(all, rules.Source{Table: table, Key: personal})
		}
		return all
	}
	shared := func(visibility, key string) (all []rules.Source) {
		for _, table := range []string{"projects", "sessions", "messages", "decisions", "skill_learnings", "error_solutions"} {
			all = append(all, rules.Source{Table: table, Key: []string{key},
				Where: []rules.Condition{{Column: "visibility", Test: rules.Equal, Value: visibility}}})
		}
		return all
	}
	claims := []string{"tenant_id", "sub"}
	return rules.Definition{
		Lookups: []rules.Lookup{{Name: "teams", Table: "team_members", Who: []string{"user_id"}, Claims: []string{"sub"}, Key: []string{"team_id"}}},
		Streams: []rules.Stream{
			{Name: "mine", Priority: 2, Default: true, Claims: claims, Sources: own("projects", "sessions")},
			{Name: "mine_knowledge", Priority: 1, Default: true, Claims: claims, Sources: own("decisions", "skill_learnings", "error_solutions")},
			{Name: "mine_messages", Priority: 3, Default: true, Claims: claims, Sources: own("messages")},
			{Name: "team", Priority: 3, Default: true, Lookup: "teams", Sources: shared("team", "team_id")},
			{Name: "org", Priority: 3, Default: true, Claims: []string{"tenant_id"}, Sources: shared("org", "tenant_id")},
		},
	}
}

// write runs a writer until the test ends or stop is called.
func (s *site) write(t testing.TB, change ...func(*oplog.Config)) (stop func()) {
	t.Helper()
	config := oplog.Config{Database: s.db.DSN(s.role), Schema: s.schema, Publication: s.public, Slot: "slot_" + s.db.Name,
		Rules: s.rules, Log: testLog(t), Retry: 50 * time.Millisecond}
	for _, c := range change {
		c(&config)
	}
	w, err := oplog.NewWriter(config)
	if err != nil {
		t.Fatal(err)
	}
	return running(t, w.Run)
}

// released waits until PostgreSQL has noticed that nobody reads the slot; before, its database cannot be dropped.
func (s *site) released(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		active := true
		conn, err := pgx.Connect(ctx, s.db.DSN("postgres"))
		if err == nil {
			err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE active AND database = current_database())").Scan(&active)
			_ = conn.Close(ctx)
		}
		if !active {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("somebody still reads the slot (%v)", err)
			return
		}
	}
}

// running calls run in a goroutine until the test ends or stop is called.
func running(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// serve runs a server process's part until the test ends or stop is called. It waits until the log is ready.
func (s *site) serve(t testing.TB, change ...func(*Config)) (url string, stop func()) {
	t.Helper()
	config := Config{Database: s.db.DSN(s.role), Rules: s.rules, Verifier: openDoor{}, Log: testLog(t)}
	if s.verifier != nil {
		config.Verifier = s.verifier
	}
	for _, c := range change {
		c(&config)
	}
	server, err := New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	stopTail := running(t, server.Run)
	mux := http.NewServeMux()
	mux.Handle("/", impatient(server.Handler()))
	if s.beside != nil {
		mux.Handle("/v1/", s.beside)
	}
	web := httptest.NewUnstartedServer(mux)
	if s.address != "" {
		web.Listener.Close()
		if web.Listener, err = net.Listen("tcp", s.address); err != nil {
			t.Fatal(err)
		}
	}
	web.Start()
	var once sync.Once
	stop = func() { once.Do(func() { stopTail(); web.CloseClientConnections(); web.Close(); server.Close() }) }
	t.Cleanup(stop)
	waitFor(t, func() error { return server.ready(t.Context()) })
	return web.URL, stop
}

// impatient gives up on a stream that is asked for with ?impatient almost at once. The patience of the server is as it is for
// all others, which a busy machine makes wait as well.
func impatient(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("impatient") {
			w = hasty{w}
		}
		h.ServeHTTP(w, r)
	})
}

// hasty turns the time of a write into a shorter one, where the server sets one at all.
type hasty struct{ http.ResponseWriter }

func (h hasty) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h hasty) SetWriteDeadline(at time.Time) error {
	if until := time.Until(at); !at.IsZero() && until < 2*time.Minute {
		at = at.Add(200*time.Millisecond - until)
	}
	return http.NewResponseController(h.ResponseWriter).SetWriteDeadline(at)
}

// waitFor tries until a check holds.
func waitFor(t testing.TB, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("did not come about: %v", err)
		}
	}
}

// testLog sends the log to the test's output.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(&testWriter{t: t}, nil))
}

func plainLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

type testWriter struct {
	t     testing.TB
	mu    sync.Mutex
	ended bool
}

func (w *testWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Cleanup(func() { w.mu.Lock(); w.ended = true; w.mu.Unlock() })
	if !w.ended {
		w.t.Logf("%s", bytes.TrimRight(p, "\n"))
	}
	return len(p), nil
}

// openDoor takes the claims of a token for true.
type openDoor struct{}

func (openDoor) Verify(_ context.Context, token string) (Principal, error) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	var claims map[string]any
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return Principal{}, &AuthError{CodeBadToken, "Token is not well formed."}
	}
	p := Principal{Claims: map[string]string{}, Expires: time.Now().Add(time.Hour)}
	for name, v := range claims {
		switch v := v.(type) {
		case string:
			p.Claims[name] = v
		case float64:
			if name == "exp" {
				p.Expires = time.UnixMilli(int64(v * 1000))
			}
		}
	}
	p.Subject = p.Claims["sub"]
	return p, nil
}

func token(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString(text)
}

func person(tenant, user string) string {
	return token(map[string]any{"tenant_id": tenant, "sub": user})
}

// line is one line of a stream.
type line struct {
	raw  []byte
	kind string
	body json.RawMessage
}

func (l line) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(l.body, into); err != nil {
		t.Fatalf("%s: %v", l.raw, err)
	}
}

// connection is an open stream.
type connection struct {
	t     testing.TB
	lines chan line
	ended chan error
	close func()
}

// connect opens a stream and fails the test unless the answer is one.
func connect(t testing.TB, url, token, body string) *connection {
	t.Helper()
	response, cancel := post(t, url+"/sync/stream", token, body)
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("status %d: %s", response.StatusCode, text)
	}
	return follow(t, response, cancel)
}

// reconnect is connect as clients do it: again and again while the server cannot.
func reconnect(t testing.TB, url, token, body string) *connection {
	t.Helper()
	var c *connection
	waitFor(t, func() error {
		response, cancel := post(t, url+"/sync/stream", token, body)
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		c = follow(t, response, cancel)
		return nil
	})
	return c
}

func follow(t testing.TB, response *http.Response, cancel func()) *connection {
	c := &connection{t: t, lines: make(chan line, 100), ended: make(chan error, 1), close: cancel}
	go c.read(response.Body)
	t.Cleanup(cancel)
	return c
}

func post(t testing.TB, url, token, body string) (*http.Response, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); response.Body.Close() })
	return response, cancel
}

func (c *connection) read(body io.Reader) {
	defer close(c.lines)
	reader := bufio.NewReaderSize(body, 1<<20)
	for {
		text, err := reader.ReadBytes('\n')
		if err != nil {
			c.ended <- err
			return
		}
		c.lines <- parseLine(c.t, text)
	}
}

func parseLine(t testing.TB, text []byte) line {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil || len(keys) != 1 {
		t.Errorf("not a line: %.200s (%v)", text, err)
	}
	for kind, body := range keys {
		return line{raw: bytes.TrimSpace(text), kind: kind, body: body}
	}
	return line{}
}

// next is the next line.
func (c *connection) next() line {
	c.t.Helper()
	select {
	case l, ok := <-c.lines:
		if !ok {
			c.t.Fatal("the stream has ended")
		}
		return l
	case <-time.After(patience):
		c.t.Fatal("no line came")
		return line{}
	}
}

// until collects lines to the first of a kind, without signs of life.
func (c *connection) until(kind string) []line {
	c.t.Helper()
	var all []line
	for end := time.Now().Add(patience); ; {
		l := c.next()
		if time.Now().After(end) {
			c.t.Fatalf("no %s came", kind)
		}
		if l.kind != "token_expires_in" {
			all = append(all, l)
		}
		if l.kind == kind {
			return all
		}
	}
}

// source runs SQL in the site's database.
func (s *site) source(t testing.TB) *pgx.Conn { return s.db.Connect(t, "postgres") }

func execute(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func request(client string, positions map[string]string) string {
	type bucket struct {
		Name  string `json:"name"`
		After string `json:"after"`
	}
	buckets := []bucket{}
	for name, after := range positions {
		buckets = append(buckets, bucket{name, after})
	}
	text, _ := json.Marshal(map[string]any{"buckets": buckets, "include_checksum": true, "raw_data": true, "client_id": client,
		"parameters": map[string]any{}, "streams": map[string]any{"include_defaults": true, "subscriptions": []any{}}})
	return string(text)
}

func get(t testing.TB, url, token string) string {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return fmt.Sprintf("%d %s", response.StatusCode, bytes.TrimSpace(text))
}
