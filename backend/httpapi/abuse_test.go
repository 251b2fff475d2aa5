package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/httpapi"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

func gzipped(t *testing.T, from io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, from); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t *testing.T, from io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, from); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressedBodies(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	for encoding, body := range map[string][]byte{"gzip": gzipped(t, strings.NewReader(one)), "zstd": zstded(t, strings.NewReader(one)), "identity": []byte(one)} {
		if a := s.push(t, string(body), "Content-Encoding", encoding); len(a.Results) != 1 {
			t.Errorf("%s: %+v", encoding, a)
		}
		half, text := s.request(t, "POST", "/v1/push", bytes.NewReader(body[:len(body)/2]), "Content-Encoding", encoding)
		wantProblem(t, half, text, 422, "INVALID")
	}
	for _, encoding := range []string{"br", "gzip, gzip", "deflate"} {
		response, text := s.request(t, "POST", "/v1/push", strings.NewReader(one), "Content-Encoding", encoding)
		wantProblem(t, response, text, 422, "INVALID")
	}
	for _, encoding := range []string{"gzip", "zstd"} {
		response, text := s.request(t, "POST", "/v1/push", strings.NewReader(one), "Content-Encoding", encoding)
		wantProblem(t, response, text, 422, "INVALID")
	}
}

// zeros is n bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestBombsAreNotInflated(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	for encoding, bomb := range map[string][]byte{"gzip": gzipped(t, zeros(256<<20)), "zstd": zstded(t, zeros(256<<20))} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		response, text := s.request(t, "POST", "/v1/push", bytes.NewReader(bomb), "Content-Encoding", encoding)
		runtime.ReadMemStats(&after)
		wantProblem(t, response, text, 413, "TOO_LARGE")
		if used := after.TotalAlloc - before.TotalAlloc; used > 128<<20 {
			t.Errorf("%s: %d bytes became %d MiB", encoding, len(bomb), used>>20)
		}
	}
}

// TestSlowClientsAreSentAway opens connections that never finish their header, or their body; all others are answered.
func TestSlowClientsAreSentAway(t *testing.T) {
	limits := plenty
	limits.HeaderTime, limits.BodyTime = 300*time.Millisecond, 300*time.Millisecond
	s := newServer(t, pgtest.New(t), limits)
	headers := "POST /v1/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.token(t, "ann") + "\r\nContent-Length: 1000\r\n"
	var conns []net.Conn
	for i := range 60 {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		start := headers[:40]
		if i%2 == 0 {
			start = headers + "\r\n{\"machine_id\""
		}
		if _, err := io.WriteString(conn, start); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	s.push(t, one)
	for i, conn := range conns {
		go func() { // goes on dripping
			for {
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		answer, err := io.ReadAll(conn)
		if err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatalf("connection %d is still open", i)
		}
		if strings.Contains(string(answer), " 200 ") {
			t.Errorf("connection %d: %s", i, answer)
		}
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	response, _ := s.request(t, "GET", "/healthz", nil, "X-Large", strings.Repeat("x", 128<<10))
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Error(response.Status)
	}
}

func TestTooManyRequests(t *testing.T) {
	s := newServer(t, pgtest.New(t), httpapi.Limits{MachinePerSecond: 0.001, MachineBurst: 3, TenantPerSecond: 0.001, TenantBurst: 5})
	var got []string
	for _, user := range []string{"ann", "ann", "ann", "ann", "bob", "bob", "bob"} {
		response, text := s.request(t, "GET", "/v1/lost", nil, "Authorization", "Bearer "+s.token(t, user))
		got = append(got, fmt.Sprint(user, response.StatusCode))
		if response.StatusCode == 429 {
			wantProblem(t, response, text, 429, "RATE_LIMITED")
			if response.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if want := "ann200 ann200 ann200 ann429 bob200 bob200 bob429"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAMachineDoesNotTakeEveryConnection has one machine push more at a time than it may; another is answered.
func TestAMachineDoesNotTakeEveryConnection(t *testing.T) {
	limits := plenty
	limits.MachineAtOnce = 2
	s := newServer(t, pgtest.New(t), limits)
	lock := s.db.Connect(t, "postgres")
	if _, err := lock.Exec(t.Context(), "SELECT pg_advisory_lock(hashtextextended('push acme ann c', 0))"); err != nil {
		t.Fatal(err)
	}
	statuses := make(chan int, 20)
	for range cap(statuses) {
		go func() {
			response, _ := s.request(t, "POST", "/v1/push", strings.NewReader(one))
			statuses <- response.StatusCode
		}()
	}
	for range cap(statuses) - limits.MachineAtOnce {
		if got := <-statuses; got != http.StatusTooManyRequests {
			t.Errorf("%d", got)
		}
	}
	s.push(t, strings.ReplaceAll(one, "ann-pc", "bob-pc"), "Authorization", "Bearer "+s.token(t, "bob"))
	if _, err := lock.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	for range limits.MachineAtOnce {
		if got := <-statuses; got != http.StatusOK {
			t.Errorf("%d", got)
		}
	}
}

func TestReadiness(t *testing.T) {
	own := pgtest.Start(t)
	s := newServer(t, own.New(t), plenty)
	check := func(path string, want int) {
		t.Helper()
		if response, text := s.request(t, "GET", path, nil, "Authorization", ""); response.StatusCode != want {
			t.Errorf("%s: %d %s", path, response.StatusCode, text)
		}
	}
	check("/healthz", 200)
	check("/readyz", 200)
	s.db.Exec(t, "REVOKE USAGE ON SCHEMA app FROM app_api")
	check("/healthz", 200)
	check("/readyz", 503)
	response, text := s.request(t, "POST", "/v1/push", strings.NewReader(one))
	wantProblem(t, response, text, 503, "UNAVAILABLE")
	if response.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	s.db.Exec(t, "GRANT USAGE ON SCHEMA app TO app_api")
	check("/readyz", 200)
	if a := s.push(t, one); a.Results[0].Status != pushapi.Applied {
		t.Errorf("%+v", a)
	}
}

// slowStore answers when it is let go.
type slowStore struct {
	backend.Store
	began, answer chan struct{}
	panics        bool
}

func (s *slowStore) Push(context.Context, backend.Principal, pushapi.Batch) ([]pushapi.Result, error) {
	if s.panics {
		panic(secret)
	}
	close(s.began)
	<-s.answer
	return []pushapi.Result{{Group: 1, Status: pushapi.Applied}}, nil
}

func (s *slowStore) Ready(context.Context) error { return nil }

type anybody struct{}

func (anybody) Verify(context.Context, string) (backend.Principal, error) {
	return backend.Principal{Tenant: "acme", User: "ann", Machine: "ann-pc"}, nil
}

func TestEndingLetsRequestsFinish(t *testing.T) {
	store := &slowStore{began: make(chan struct{}), answer: make(chan struct{})}
	api := httpapi.New(httpapi.Config{Store: store, Verifier: anybody{}, Log: slog.New(slog.DiscardHandler)})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	served, status := make(chan error, 1), make(chan int, 1)
	go func() { served <- api.Serve(ctx, ln, api, 200*time.Millisecond, time.Minute) }()
	url := "http://" + ln.Addr().String()
	go func() {
		response, err := http.Post(url+"/v1/push", "application/json", strings.NewReader(one))
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		response.Body.Close()
		status <- response.StatusCode
	}()
	<-store.began
	end()
	for { // it settles: load balancers see it is not ready, and are answered
		response, err := http.Get(url + "/readyz")
		if err != nil {
			t.Fatal("it does not listen any more, and never said that it is not ready")
		}
		response.Body.Close()
		if response.StatusCode == http.StatusServiceUnavailable {
			break
		}
	}
	close(store.answer)
	if got := <-status; got != 200 {
		t.Errorf("the request was answered with %d", got)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestAPanicIsAProblem(t *testing.T) {
	logged := &logged{}
	api := httpapi.New(httpapi.Config{Store: &slowStore{panics: true}, Verifier: anybody{}, Log: slog.New(slog.NewTextHandler(logged, nil))})
	s := &server{logged: logged, api: api}
	s.serve(t)
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/v1/push", strings.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	wantProblem(t, response, string(text), 500, "INTERNAL")
	if log := logged.String(); strings.Contains(log, secret) || !strings.Contains(log, "slowStore") {
		t.Error(log)
	}
}
