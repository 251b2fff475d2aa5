package window

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// origin is what WebKitGTK sends with the page's requests.
const origin = "wails://wails"

var quiet = slog.New(slog.DiscardHandler)

// newHome is a home whose sockets have short paths.
func newHome(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "csw") //nolint:usetesting // t.TempDir has the test's name in it and is too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "h")
}

// serve is an agent that answers for svc until the test ends.
func serve(t *testing.T, home string, svc app.Service) {
	t.Helper()
	ln, err := local.Listen(local.SocketPath(home))
	if err != nil {
		t.Fatal(err)
	}
	server := local.NewServer(local.Config{Service: svc, Version: "v-test"})
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// opened is a window without a web view.
func opened(t *testing.T, cfg Config) *running {
	t.Helper()
	cfg.Logger, cfg.Version = quiet, "v-test"
	w, err := open(t.Context(), cfg)
	if err != nil || w == nil {
		t.Fatalf("open: %v, %v", w, err)
	}
	t.Cleanup(func() {
		w.starter.wait(context.Background())
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// request is one that the page makes.
func request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Host = "wails"
	r.Header.Set("Origin", origin)
	r.Header.Set("Referer", origin+"/")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/json")
	return r
}

// ask is what the web view gets for a request.
func ask(h http.Handler, r *http.Request) (status int, header http.Header, body string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	res := rec.Result()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(text)
}
