package main

import (
	"crypto/rand"
	"net/http"
	"time"
)

// noted gives requests to the parts beside the API an id and a log line: the path without what follows it, because addresses
// of sign-ins go on with names that are nobody's business.
func (v *server) noted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, begun := rand.Text(), time.Now()
		w.Header().Set("X-Request-Id", id)
		n := &noting{ResponseWriter: w}
		defer func() {
			v.log.Info("request answered", "request_id", id, "method", r.Method, "path", r.URL.Path, "status", n.status, "took", time.Since(begun))
		}()
		next.ServeHTTP(n, r)
	})
}

// noting remembers the status.
type noting struct {
	http.ResponseWriter
	status int
}

// WriteHeader sends the headers.
func (n *noting) WriteHeader(status int) {
	if n.status == 0 {
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (n *noting) Write(b []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	return n.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }
