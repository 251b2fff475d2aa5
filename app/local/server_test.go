package local_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// untouched is a service that complains about every call that reaches it.
func untouched(t *testing.T) *apptest.FakeService {
	return &apptest.FakeService{
		StatusFunc: func(context.Context) (app.Status, error) {
			t.Error("the request reached the service")
			return app.Status{}, nil
		},
		SetupFunc: func(context.Context, app.SetupRequest) (app.SetupResult, error) {
			t.Error("the request reached the service")
			return app.SetupResult{}, nil
		},
		QuitFunc: func(context.Context) error {
			t.Error("the request reached the service")
			return nil
		},
	}
}

// ask sends one raw request and returns the reply with the error in its body.
func ask(t *testing.T, h http.Handler, method, target, body string, header map[string]string) (*http.Response, app.Error) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = local.Host
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var e app.Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil && w.Code != http.StatusOK {
		t.Errorf("%s %s: status %d with a body that is no error: %q", method, target, w.Code, w.Body)
	}
	if w.Header().Get(local.VersionHeader) != "1.0.0" || w.Header().Get(local.RunHeader) == "" {
		t.Errorf("%s %s: reply without version and run: %v", method, target, w.Header())
	}
	return w.Result(), e
}

func TestRefusesWhatABrowserSends(t *testing.T) {
	h := local.NewServer(local.Config{Service: untouched(t), Version: "1.0.0"}).Handler()
	for _, header := range []map[string]string{
		{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://" + local.Host}, {"Origin": ""},
		{"Referer": "https://evil.example/page"}, {"Sec-Fetch-Site": "cross-site"},
		{"Host": "evil.example"}, {"Host": "127.0.0.1:8080"}, {"Host": "localhost"}, {"Host": local.Host + ":80"},
		{"Host": local.Host + ".evil.example"}, {"Host": ""},
	} {
		for _, route := range []string{"GET /v1/status", "POST /v1/quit", "OPTIONS /v1/setup", "GET /v1/none"} {
			method, path, _ := strings.Cut(route, " ")
			resp, e := ask(t, h, method, path, "", header)
			if resp.StatusCode != http.StatusForbidden || e.Code != app.CodeDenied || e.Message == "" {
				t.Errorf("%s with %v: %d %+v", route, header, resp.StatusCode, e)
			}
			if allow := resp.Header.Get("Access-Control-Allow-Origin"); allow != "" {
				t.Errorf("%s with %v allows %q", route, header, allow)
			}
		}
	}
}

func TestRefusesBadRequests(t *testing.T) {
	h := local.NewServer(local.Config{Service: untouched(t), Version: "1.0.0"}).Handler()
	for _, c := range []struct {
		what, method, path, body string
		status                   int
		code                     app.Code
	}{
		{"unknown path", "GET", "/v1/none", "", 404, app.CodeNotFound},
		{"root", "GET", "/", "", 404, app.CodeNotFound},
		{"path that climbs", "GET", "/v1/../v1/none", "", 404, app.CodeNotFound},
		{"wrong method", "GET", "/v1/quit", "", 405, app.CodeInvalid},
		{"wrong method", "DELETE", "/v1/prefs", "", 405, app.CodeInvalid},
		{"not JSON", "POST", "/v1/setup", "db=/x", 400, app.CodeInvalid},
		{"half JSON", "POST", "/v1/setup", `{"db":"/x"`, 400, app.CodeInvalid},
		{"two values", "POST", "/v1/setup", `{"db":"/x"}{"db":"/y"}`, 400, app.CodeInvalid},
		{"unknown field", "POST", "/v1/setup", `{"db":"/x","password":"p"}`, 400, app.CodeInvalid},
		{"wrong type", "POST", "/v1/setup", `{"db":7}`, 400, app.CodeInvalid},
		{"field where none is", "POST", "/v1/quit", `{"now":true}`, 400, app.CodeInvalid},
		{"huge body", "POST", "/v1/setup", `{"db":"` + strings.Repeat("x", 1<<20) + `"}`, 400, app.CodeInvalid},
		{"no number", "GET", "/v1/status?since=-1", "", 400, app.CodeInvalid},
		{"number too large", "GET", "/v1/status?since=18446744073709551616", "", 400, app.CodeInvalid},
	} {
		resp, e := ask(t, h, c.method, c.path, c.body, nil)
		if resp.StatusCode != c.status || e.Code != c.code || !strings.HasSuffix(e.Message, ".") {
			t.Errorf("%s: %d %+v, want %d %s", c.what, resp.StatusCode, e, c.status, c.code)
		}
	}
	if resp, _ := ask(t, h, "GET", "/v1/quit", "", nil); resp.Header.Get("Allow") != "POST" {
		t.Errorf("allowed methods of quit: %q", resp.Header.Get("Allow"))
	}
	if resp, e := ask(t, h, "POST", "/v1/setup", `{}`, map[string]string{"Content-Type": "text/plain"}); resp.StatusCode != 400 {
		t.Errorf("a form's content type: %d %+v", resp.StatusCode, e)
	}
}

// TestListsAreNeverNull: a page that loops over them must not fall over none.
func TestListsAreNeverNull(t *testing.T) {
	h := local.NewServer(local.Config{Service: &apptest.FakeService{}, Version: "1.0.0"}).Handler()
	for path, want := range map[string]string{
		"/v1/machines": "[]\n", "/v1/doctor": "[]\n", "/v1/points?machine=m": `{"machine":"m","points":[]}` + "\n",
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = local.Host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Body.String() != want {
			t.Errorf("%s: %q, want %q", path, w.Body, want)
		}
	}
}

func TestPanicIs500(t *testing.T) {
	var log bytes.Buffer
	h := local.NewServer(local.Config{
		Version: "1.0.0", Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Service: &apptest.FakeService{UndoFunc: func(context.Context) (app.RestoreResult, error) { panic("deep inside") }},
	}).Handler()
	resp, e := ask(t, h, "POST", "/v1/undo", "", nil)
	if resp.StatusCode != http.StatusInternalServerError || e.Code != app.CodeFailed || strings.Contains(e.Message, "deep inside") {
		t.Errorf("%d %+v", resp.StatusCode, e)
	}
	if !strings.Contains(log.String(), "deep inside") || !strings.Contains(log.String(), "server_test.go") {
		t.Errorf("the log does not say what and where: %s", log.String())
	}
}

// raw connects without a client.
func raw(t *testing.T, socket string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSlowClientsAreCutOff: a header or a body that never ends holds nothing for long.
func TestSlowClientsAreCutOff(t *testing.T) {
	socket := socketPath(t)
	serve(t, socket, local.Config{Service: untouched(t), Patience: 50 * time.Millisecond})
	header := raw(t, socket)
	if _, err := header.Write([]byte("GET /v1/status HTTP/1.1\r\nHost: ")); err != nil {
		t.Fatal(err)
	}
	if reply, err := io.ReadAll(header); err != nil {
		t.Errorf("half a header: %q, %v, want the connection closed", reply, err)
	}
	body := raw(t, socket)
	text := "POST /v1/setup HTTP/1.1\r\nHost: " + local.Host + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	if _, err := body.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(body), nil)
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("half a body: %v, %v", resp, err)
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	socket := socketPath(t)
	serve(t, socket, local.Config{Service: untouched(t)})
	conn := raw(t, socket)
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() { // the server stops reading in the middle
		_, _ = conn.Write([]byte("GET /v1/status HTTP/1.1\r\nHost: " + local.Host + "\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"))
	})
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%v, %v", resp, err)
	}
}

// TestLongRequestsOutliveThePatience: it is for what the client sends, not for what the agent does.
func TestLongRequestsOutliveThePatience(t *testing.T) {
	socket := socketPath(t)
	const patience = 20 * time.Millisecond
	serve(t, socket, local.Config{Patience: patience, Service: &apptest.FakeService{
		VerifyFunc: func(ctx context.Context) (app.Drill, error) {
			timer := time.NewTimer(10 * patience)
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return app.Drill{}, ctx.Err()
			case <-timer.C:
				return app.Drill{OK: true}, nil
			}
		},
	}})
	if d, err := local.NewClient(socket, "1.0.0").Verify(t.Context()); err != nil || !d.OK {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestShutdownAnswersWhoWaits: a long poll does not hold the agent's end up.
func TestShutdownAnswersWhoWaits(t *testing.T) {
	waiting := make(chan struct{})
	f := &apptest.FakeService{}
	st := f.Publish(app.Status{Version: "1.0.0"})
	f.WatchFunc = func(ctx context.Context, _ uint64) (app.Status, error) {
		close(waiting)
		<-ctx.Done()
		return app.Status{}, ctx.Err()
	}
	socket := socketPath(t)
	srv := local.NewServer(local.Config{Service: f, Version: "1.0.0", Poll: time.Hour})
	stop := run(t, listen(t, socket), srv)
	go func() {
		<-waiting
		stop()
	}()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+local.Host+"/v1/status?since=2", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := raw(t, socket)
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	var got app.Status
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Rev != st.Rev {
		t.Errorf("%+v, %v; want the newest snapshot", got, err)
	}
}

// TestShutdownCancelsWhatDoesNotEnd: after its ctx nothing runs on.
func TestShutdownCancelsWhatDoesNotEnd(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	srv := local.NewServer(local.Config{Version: "1.0.0", Service: &apptest.FakeService{
		VerifyFunc: func(ctx context.Context) (app.Drill, error) {
			close(begun)
			<-ctx.Done()
			close(ended)
			return app.Drill{}, ctx.Err()
		},
	}})
	socket := socketPath(t)
	ln := listen(t, socket)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	asked := make(chan error, 1)
	go func() {
		_, err := local.NewClient(socket, "1.0.0").Verify(t.Context())
		asked <- err
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := srv.Shutdown(ctx); err == nil {
		t.Error("shutdown says that all replies are out")
	}
	<-ended
	wantCode(t, <-asked, app.CodeNotRunning)
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}
