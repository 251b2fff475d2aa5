package apptest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault says how a request goes wrong. The zero value lets it pass.
type Fault struct {
	// Delay comes before anything else. It ends early when the client hangs up.
	Delay time.Duration
	// Status answers with this HTTP status and Google's error body instead of doing anything; Reason is its reason.
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

// Uploads selects what writes objects, the further parts of an upload included.
func Uploads(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/upload/") }

// Lists selects listings.
func Lists(r *http.Request) bool { return r.Method == http.MethodGet && isList(r.URL.Path) }

// Reads selects what reads one object or one bucket.
func Reads(r *http.Request) bool { return ClassOf(r) == ClassB }

// Deletes selects deletes.
func Deletes(r *http.Request) bool { return r.Method == http.MethodDelete }

type rule struct {
	match Match
	fault Fault
	left  int
}

// Fault makes the requests that match go wrong, from now until the returned func lifts it. Of several faults the one
// that was added last and has requests left decides. A hit counts when the request arrives.
func (g *GCS) Fault(match Match, fault Fault) (lift func()) {
	r := &rule{match: match, fault: fault, left: fault.Times}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, r)
	return func() { g.lift(r) }
}

// Heal lifts every fault.
func (g *GCS) Heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

func (g *GCS) lift(gone *rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, r := range g.faults {
		if r == gone {
			g.faults = append(g.faults[:i:i], g.faults[i+1:]...)
			return
		}
	}
}

func (g *GCS) faultFor(r *http.Request) (Fault, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.faults) - 1; i >= 0; i-- {
		rule := g.faults[i]
		if !rule.match(r) || rule.fault.Times > 0 && rule.left == 0 {
			continue
		}
		rule.left--
		return rule.fault, true
	}
	return Fault{}, false
}

// ServeHTTP implements http.Handler.
func (g *GCS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, faulty := g.faultFor(r)
	g.record(r, faulty)
	g.wait(r, fault.Delay)
	switch {
	case fault.Cut == CutFirst:
		panic(http.ErrAbortHandler)
	case fault.Status != 0:
		googleError(w, fault.Status, fault.Reason)
	case fault.Cut == CutReply:
		g.pass(&lost{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case fault.Cut == CutBody:
		g.pass(&cutter{ResponseWriter: w, left: fault.Keep}, r)
		panic(http.ErrAbortHandler) // the body was shorter than Keep: the connection breaks at its end
	default:
		g.pass(w, r)
	}
}

func (g *GCS) pass(w http.ResponseWriter, r *http.Request) {
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

func (g *GCS) wait(r *http.Request, d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-g.closed:
	}
}

func googleError(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":%d,"message":%q,"errors":[{"domain":"global","reason":%q,"message":%q}]}}`,
		status, http.StatusText(status), reason, http.StatusText(status))
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
