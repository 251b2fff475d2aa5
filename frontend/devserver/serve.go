package main

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// handler serves the page, and everything that is not the page from api.
func handler(page fs.FS, api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(page))
	mux.Handle("/api/", http.StripPrefix("/api", api))
	mux.Handle("/dev/", api)
	mux.HandleFunc("/native", http.NotFound) // exactly: a redirect would be one more question
	mux.HandleFunc("/native/", http.NotFound)
	return fresh(mux)
}

// fresh keeps a browser from showing what was built before.
func fresh(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// fromHere lets through what this server's own page asks. A port on loopback is open to every page a browser shows, also
// through a name that was made to point here.
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		site := r.Header.Get("Sec-Fetch-Site")
		if ip := net.ParseIP(host); err != nil || !ip.IsLoopback() || site != "" && site != "same-origin" && site != "none" {
			reply(w, nil, app.Errorf(app.CodeDenied, "connect", "Only the page of this server is answered."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// proxy leads to an agent's socket as the window does: with the one Host it takes, and without what tells of a page.
func proxy(socket string) http.Handler {
	var dialer net.Dialer
	return fromHere(&httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", local.Host, local.Host
			for _, name := range []string{"Origin", "Referer", "Sec-Fetch-Site"} {
				r.Out.Header.Del(name)
			}
		},
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}},
	})
}
