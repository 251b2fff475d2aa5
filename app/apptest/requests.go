package apptest

import (
	"net/http"
	"time"
)

// Request is one request that was answered, refused or cut.
type Request struct {
	At     time.Time
	Method string
	Path   string // with the query
	Size   int64  // of its body in bytes, -1 where that is not said
	Class  Class
	Fault  bool // a fault decided the answer
}

// Counts is how many requests there were of each class.
type Counts struct{ A, B, Free int }

// Total is all requests.
func (c Counts) Total() int { return c.A + c.B + c.Free }

// Requests returns what was asked so far, in order of arrival.
func (f *faults) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Request(nil), f.log...)
}

// Counts counts the requests so far, those that faults answered too.
func (f *faults) Counts() Counts {
	var c Counts
	for _, r := range f.Requests() {
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
func (f *faults) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = nil
}

func (f *faults) record(r *http.Request, class Class, faulty bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, Request{
		At: time.Now(), Method: r.Method, Path: r.URL.RequestURI(), Size: r.ContentLength, Class: class, Fault: faulty,
	})
}
