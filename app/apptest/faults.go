package apptest

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault says how a request goes wrong. The zero value lets it pass.
type Fault struct {
	// Delay comes before anything else. It ends early when the client hangs up.
	Delay time.Duration
	// Status answers with this HTTP status and the service's error body instead of doing anything; Reason is its reason, in
	// the service's words.
	Status int
	Reason string
	// Cut breaks the connection: see the kinds.
	Cut Cut
	// Keep is how many bytes of the reply's body pass before CutBody breaks it.
	Keep int64
	// Times is how many requests are hit; 0 means all until the fault is lifted.
	Times int
}

// Cut is where a connection breaks.
type Cut string

// The kinds of cut.
const (
	CutNone  Cut = ""
	CutFirst Cut = "first" // before anything was done: the client cannot tell from CutReply
	CutReply Cut = "reply" // everything was done, and the reply is lost
	CutBody  Cut = "body"  // the reply breaks after Keep bytes of its body
)

// Deny refuses for permission, as Google does.
var Deny = Fault{Status: http.StatusForbidden, Reason: "forbidden"}

// Full refuses because the quota is used up.
var Full = Fault{Status: http.StatusForbidden, Reason: "quotaExceeded"}

// Down is a storage that is out of order.
var Down = Fault{Status: http.StatusServiceUnavailable, Reason: "backendError"}

// Unplugged is a storage that nobody reaches: every connection breaks.
var Unplugged = Fault{Cut: CutFirst}

// Match selects requests.
type Match func(*http.Request) bool

// Every selects all.
func Every(*http.Request) bool { return true }

// On selects requests by method ("" = any) and a part of the path with its query as it was sent, where object names
// are escaped ("" = any).
func On(method, part string) Match {
	return func(r *http.Request) bool {
		return (method == "" || r.Method == method) && strings.Contains(r.URL.RequestURI(), part)
	}
}

// Deletes selects deletes.
func Deletes(r *http.Request) bool { return r.Method == http.MethodDelete }

// faults decides what becomes of requests, and remembers them.
type faults struct {
	closed chan struct{} // when the service ends

	mu    sync.Mutex
	rules []*rule
	log   []Request
}

type rule struct {
	match Match
	fault Fault
	left  int
}

// Fault makes the requests that match go wrong, from now until the returned func lifts it. Of several faults the one
// that was added last and has requests left decides. A hit counts when the request arrives.
func (f *faults) Fault(match Match, fault Fault) (lift func()) {
	r := &rule{match: match, fault: fault, left: fault.Times}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, r)
	return func() { f.lift(r) }
}

// Heal lifts every fault.
func (f *faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

func (f *faults) lift(gone *rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if r == gone {
			f.rules = append(f.rules[:i:i], f.rules[i+1:]...)
			return
		}
	}
}

func (f *faults) faultFor(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.rules) - 1; i >= 0; i-- {
		rule := f.rules[i]
		if !rule.match(r) || rule.fault.Times > 0 && rule.left == 0 {
			continue
		}
		rule.left--
		return rule.fault, true
	}
	return Fault{}, false
}

// serve lets a request pass, or go wrong. refuse writes the service's error.
func (f *faults) serve(w http.ResponseWriter, r *http.Request, class Class, pass http.HandlerFunc, refuse func(w http.ResponseWriter, status int, reason string)) {
	fault, faulty := f.faultFor(r)
	f.record(r, class, faulty)
	f.wait(r, fault.Delay)
	switch {
	case fault.Cut == CutFirst:
		panic(http.ErrAbortHandler)
	case fault.Status != 0:
		_, _ = io.Copy(io.Discard, r.Body) // a client that is still sending might not see the answer
		refuse(w, fault.Status, fault.Reason)
	case fault.Cut == CutReply:
		pass(&lost{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case fault.Cut == CutBody:
		pass(&cutter{ResponseWriter: w, left: fault.Keep}, r)
		panic(http.ErrAbortHandler) // the body was shorter than Keep: the connection breaks at its end
	default:
		pass(w, r)
	}
}

func (f *faults) wait(r *http.Request, d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-f.closed:
	}
}

// lost takes a reply that never arrives.
type lost struct{ header http.Header }

func (l *lost) Header() http.Header         { return l.header }
func (l *lost) WriteHeader(int)             {}
func (l *lost) Write(p []byte) (int, error) { return len(p), nil }

// cutter breaks the connection once left bytes are out.
type cutter struct {
	http.ResponseWriter
	left int64
}

func (c *cutter) Write(p []byte) (int, error) {
	if int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
