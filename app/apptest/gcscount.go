package apptest

import (
	"net/http"
	"strings"
	"time"
)

// Class is how Google bills a request.
type Class string

// The classes. An upload's further parts and deletes cost nothing.
const (
	ClassA    Class = "A"    // insert, copy, compose, update, list, create a bucket
	ClassB    Class = "B"    // get: content or metadata of an object, metadata of a bucket
	ClassFree Class = "free" // delete, and the parts of an upload after its first request
)

// Request is one request that was answered, refused or cut.
type Request struct {
	At     time.Time
	Method string
	Path   string // with the query
	Class  Class
	Fault  bool // a fault decided the answer
}

// Counts is how many requests there were of each class.
type Counts struct{ A, B, Free int }

// Total is all requests.
func (c Counts) Total() int { return c.A + c.B + c.Free }

// Requests returns what was asked so far, in order of arrival.
func (g *GCS) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Request(nil), g.log...)
}

// Counts counts the requests so far, those that faults answered too.
func (g *GCS) Counts() Counts {
	var c Counts
	for _, r := range g.Requests() {
		switch r.Class {
		case ClassA:
			c.A++
		case ClassB:
			c.B++
		default:
			c.Free++
		}
	}
	return c
}

// Forget empties what Requests and Counts tell.
func (g *GCS) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log = nil
}

func (g *GCS) record(r *http.Request, faulty bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log = append(g.log, Request{
		At: time.Now(), Method: r.Method, Path: r.URL.RequestURI(), Class: ClassOf(r), Fault: faulty,
	})
}

// ClassOf sorts a request of the JSON API, or a download of the XML API.
func ClassOf(r *http.Request) Class {
	switch r.Method {
	case http.MethodDelete:
		return ClassFree
	case http.MethodPut, http.MethodPost:
		if strings.HasPrefix(r.URL.Path, "/upload/") && r.URL.Query().Has("upload_id") {
			return ClassFree
		}
		return ClassA
	case http.MethodGet, http.MethodHead:
		if isList(r.URL.Path) {
			return ClassA
		}
		return ClassB
	}
	return ClassA
}

// isList knows …/b (buckets) and …/b/NAME/o (objects).
func isList(path string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(path, "/"), "/storage/v1/b")
	if !ok {
		return false
	}
	parts := strings.Split(strings.TrimPrefix(rest, "/"), "/")
	return rest == "" || len(parts) == 2 && parts[1] == "o"
}
