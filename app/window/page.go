package window

import (
	"bytes"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// The addresses that Wails gives the page: Linux and macOS, and Windows.
var (
	pageHosts   = []string{"wails", "wails.localhost"}
	pageOrigins = []string{"wails://wails", "http://wails.localhost"}
)

// policy goes beside the one in the page, so that both hold: only the page's own files are scripts, which leaves out the
// bridge that Wails puts into every page.
var policy = "script-src " + strings.Join(pageOrigins, "/assets/ ") + "/assets/; frame-ancestors 'none'"

// site answers everything that the web view asks for.
type site struct {
	page   fs.FS
	view   string // that the page begins with
	api    http.Handler
	native http.Handler
}

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.Handle("/", http.FileServerFS(s.page))
	mux.Handle("/api/v1/", http.StripPrefix("/api", fromPage(s.api)))
	mux.Handle("/native", fromPage(s.native))
	mux.Handle("/native/", fromPage(s.native))
	return guarded(mux)
}

// index is the page with the view to begin with. A web view begins at one fixed address, so it cannot be in there.
func (s *site) index(w http.ResponseWriter, _ *http.Request) {
	text, err := fs.ReadFile(s.page, "index.html")
	if err != nil {
		http.Error(w, "The page is not in this program.", http.StatusNotFound)
		return
	}
	if s.view != "" {
		begin := fmt.Sprintf(`<html data-view="%s"`, html.EscapeString(s.view))
		text = bytes.Replace(text, []byte("<html"), []byte(begin), 1)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text) // a web view that closes needs no page
}

// guarded adds what holds for every reply.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// fromPage refuses what the page did not ask.
func fromPage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		if !oneOf(pageHosts, r.Host) || !oneOf(pageOrigins, r.Header.Values("Origin")...) ||
			site != "" && site != "same-origin" && site != "none" {
			fail(w, app.Errorf(app.CodeDenied, "window", "Only the window's own page is answered."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// oneOf tells that all of values are in list; none are too.
func oneOf(list []string, values ...string) bool {
	for _, v := range values {
		if !strings.Contains("\n"+strings.Join(list, "\n")+"\n", "\n"+v+"\n") {
			return false
		}
	}
	return true
}
