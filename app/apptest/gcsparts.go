package apptest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// fake-gcs-server copies and hashes all it has of an upload at every part, so that a large object in small parts takes
// the square of its size; and it appends a part that is sent again. So parts are collected here, and it gets the whole.

// parts is an upload under way, or one that is done.
type parts struct {
	content []byte
	stored  chan struct{} // set with the last part, and closed when the object is there
}

// gather takes a part of an upload in several. It tells whether the request was answered; else it is the whole upload, or
// none of this kind, and the returned request is to be served.
func (g *GCS) gather(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	id := r.URL.Query().Get("upload_id")
	start, total, ok := contentRange(r.Header.Get("Content-Range"))
	if id == "" || !ok || !strings.HasPrefix(r.URL.Path, "/upload/") {
		return r, false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone in the middle of the part
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.uploads[id]
	if p == nil {
		p = &parts{}
		g.uploads[id] = p
	}
	if p.stored != nil { // its reply was lost, or is awaited no longer
		g.mu.Unlock()
		<-p.stored
		g.mu.Lock()
		return stored(r), false
	}
	have := int64(len(p.content))
	switch {
	case start > have:
		googleError(w, http.StatusServiceUnavailable, "backendError") // a part is missing
		return nil, true
	case start >= 0 && start+int64(len(body)) > have:
		p.content = append(p.content, body[have-start:]...)
	}
	have = int64(len(p.content))
	if total < 0 || have < total {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", have-1))
		w.Header().Set("X-Http-Status-Code-Override", "308")
		w.WriteHeader(http.StatusOK)
		return nil, true
	}
	whole := r.Clone(r.Context())
	whole.Body, whole.ContentLength = io.NopCloser(bytes.NewReader(p.content)), have
	p.content, p.stored = nil, make(chan struct{})
	whole.Header.Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", have-1, have))
	return whole, false
}

// settled tells that a request that gather let pass is answered.
func (g *GCS) settled(r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.uploads[r.URL.Query().Get("upload_id")]
	if p == nil || p.stored == nil {
		return
	}
	select {
	case <-p.stored:
	default:
		close(p.stored)
	}
}

// contentRange reads "bytes START-END/TOTAL"; start is -1 where there is no part, total where it is not known yet.
func contentRange(header string) (start, total int64, ok bool) {
	span, size, found := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	if !found {
		return 0, 0, false
	}
	start, total = -1, -1
	var err error
	if first, _, isSpan := strings.Cut(span, "-"); isSpan {
		start, err = strconv.ParseInt(first, 10, 64)
	}
	if size != "*" && err == nil {
		total, err = strconv.ParseInt(size, 10, 64)
	}
	return start, total, err == nil && total != 0
}

// stored asks for the object that an upload made.
func stored(r *http.Request) *http.Request {
	get := r.Clone(r.Context())
	get.Method, get.Body, get.ContentLength = http.MethodGet, http.NoBody, 0
	name := get.URL.Query().Get("name")
	get.URL.Path = strings.TrimPrefix(get.URL.Path, "/upload") + "/" + name
	get.URL.RawPath = strings.TrimPrefix(r.URL.EscapedPath(), "/upload") + "/" + url.PathEscape(name)
	get.URL.RawQuery, get.RequestURI = "", ""
	return get
}
