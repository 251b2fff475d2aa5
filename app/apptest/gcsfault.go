package apptest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Uploads selects what writes objects, the further parts of an upload included.
func Uploads(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/upload/") }

// Lists selects listings.
func Lists(r *http.Request) bool { return r.Method == http.MethodGet && isList(r.URL.Path) }

// Reads selects what reads one object or one bucket.
func Reads(r *http.Request) bool { return ClassOf(r) == ClassB }

// ServeHTTP implements http.Handler.
func (g *GCS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, ClassOf(r), g.pass, googleError)
}

func (g *GCS) pass(w http.ResponseWriter, r *http.Request) {
	if token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); g.lets != nil && (!is || !g.lets(token)) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that is still sending might not see the answer
		googleError(w, http.StatusUnauthorized, "authError")
		return
	}
	if name := uploadBucket(r); name != "" && !g.HasBucket(name) {
		googleError(w, http.StatusNotFound, "notFound")
		return
	}
	if query := r.URL.Query(); Lists(r) && !query.Has("maxResults") {
		query.Set("maxResults", strconv.Itoa(g.Page))
		r = r.Clone(r.Context())
		r.URL.RawQuery = query.Encode()
	}
	if whole, answered := g.gather(w, r); !answered {
		defer g.settled(r)
		g.api.ServeHTTP(w, whole)
	}
}

func googleError(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":%d,"message":%q,"errors":[{"domain":"global","reason":%q,"message":%q}]}}`,
		status, http.StatusText(status), reason, http.StatusText(status))
}
