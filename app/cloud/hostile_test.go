package cloud

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hostile is what may answer in the cloud's place.
type hostile struct {
	name string
	// fault: a person must hear of it.
	fault  bool
	answer http.HandlerFunc
}

func status(code int, kind, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

const (
	page    = "text/html"
	problem = "application/problem+json"
	plain   = "application/json"
)

func cut(after string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, buf, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = buf.WriteString(after)
			_ = buf.Flush()
			_ = c.Close()
		}
	}
}

func hostiles() []hostile {
	list := []hostile{
		{name: "a portal", answer: status(200, page, "<html>sign in to the hotel</html>")},
		{name: "a redirect", answer: status(302, page, "", "Location", "http://127.0.0.1:1/elsewhere")},
		{name: "a redirect that keeps the body", answer: status(307, page, "", "Location", "http://127.0.0.1:1/elsewhere")},
		{name: "nothing", answer: status(204, plain, "")},
		{name: "an empty 200", answer: status(200, plain, "")},
		{name: "null", answer: status(200, plain, "null")},
		{name: "an array", answer: status(200, plain, "[]")},
		{name: "no results", answer: status(200, plain, `{"results":[]}`)},
		{name: "another's results", answer: status(200, plain, `{"results":[{"group":77,"status":"applied"}]}`)},
		{name: "half a body", answer: status(200, plain, `{"results":[{"gro`)},
		{name: "an unknown status of a group", answer: status(200, plain, `{"results":[{"group":1,"status":"maybe"}]}`)},
		{name: "retry", answer: status(200, plain, `{"results":[{"group":1,"status":"retry","code":"TROUBLE"}]}`)},
		{name: "retry of a newer schema", answer: status(200, plain, `{"results":[{"group":1,"status":"retry","code":"SCHEMA_AHEAD"}]}`)},
		{name: "out of order for ever", answer: status(200, plain, `{"results":[{"group":1,"status":"retry","code":"OUT_OF_ORDER"}]}`)},
		{name: "gzip that is none", answer: status(200, plain, "garbage", "Content-Encoding", "gzip")},
		{name: "an unknown encoding", answer: status(200, plain, "garbage", "Content-Encoding", "br")},
		{name: "zstd that is none", answer: status(200, plain, "garbage", "Content-Encoding", "zstd")},
		{name: "a body that is longer than it says", answer: cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"res")},
		{name: "a body that is shorter than it says", answer: cut("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"res")},
		{name: "no answer at all", answer: cut("")},
		{name: "half a header", answer: cut("HTTP/1.1 200 OK\r\nConte")},
		{name: "no HTTP", answer: cut("220 smtp.hotel ESMTP\r\n")},
		{name: "too long a header", answer: cut("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n")},
		{name: "a protocol switch", answer: cut("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")},
		{name: "401 of the stream", answer: status(401, plain, `{"error":{"code":"PSYNC_S2103","status":401}}`)},
		{name: "401 of the API", answer: status(401, problem, `{"code":"UNAUTHENTICATED"}`)},
		{name: "401 of somebody", answer: status(401, page, "<html>", "WWW-Authenticate", "Basic realm=x")},
		{name: "403 of the API", answer: status(403, problem, `{"code":"DENIED"}`)},
		{name: "403 of somebody", answer: status(403, page, "blocked by your employer")},
		{name: "404", answer: status(404, page, "not here")},
		{name: "405", answer: status(405, page, "")},
		{name: "407", answer: status(407, page, "proxy sign-in")},
		{name: "408", answer: status(408, page, "")},
		{name: "409", answer: status(409, page, "")},
		{name: "422 of somebody", answer: status(422, page, "")},
		{name: "429", answer: status(429, problem, `{"code":"RATE_LIMITED"}`, "Retry-After", "3")},
		{name: "429 with a date", answer: status(429, problem, `{"code":"RATE_LIMITED"}`, "Retry-After", time.Now().Add(4*time.Second).UTC().Format(http.TimeFormat))},
		{name: "429 with nonsense", answer: status(429, page, "", "Retry-After", "soon")},
		{name: "500", answer: status(500, problem, `{"code":"INTERNAL"}`)},
		{name: "502 of a proxy", answer: status(502, page, "<html>bad gateway")},
		{name: "503", answer: status(503, problem, `{"code":"UNAVAILABLE"}`, "Retry-After", "2")},
		{name: "503 without a word", answer: status(503, "", "")},
		{name: "a stream that ends at once", answer: status(200, "application/x-ndjson", "{\"token_expires_in\":0}\n")},
	}
	return list
}

// TestHostileAnswers lets each answer be the only one for a while, for several of them at the same time: the queue stays as
// it is, the engine goes on, says why it does not get further, and asks at most once a second. Then the cloud is there
// again, and what waited goes up as the same bytes.
func TestHostileAnswers(t *testing.T) {
	var all sync.WaitGroup
	room := make(chan struct{}, 10)
	for _, h := range hostiles() {
		var good atomic.Bool
		s := newStandIn(t, func(w http.ResponseWriter, r *http.Request) bool {
			if !good.Load() {
				h.answer(w, r)
			}
			return !good.Load()
		})
		d := alone(t, s.URL, &coins{}, nil)
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			err := d.bears(h, s, &good)
			if err != nil {
				t.Errorf("%s: %v\n%s", h.name, err, tail(d.log.String()))
			}
			d.stops()
		})
	}
	all.Wait()
}

// enough is how many requests are waited for before their rate is looked at.
const enough = 5

func (d *desk) bears(h hostile, s *standIn, good *atomic.Bool) error {
	if _, err := d.db.TryExec("INSERT INTO decisions (id, decision) VALUES ('d1', 'kept')"); err != nil {
		return err
	}
	d.starts()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		asked, r := s.asked.Load(), d.report()
		if took := time.Since(time.Unix(0, s.first.Load())); asked > 0 && float64(asked) > took.Seconds()+4 { // the first of each direction, and once more with another token
			return fmt.Errorf("%d requests in %v", asked, took)
		}
		if asked >= enough && r.Progress != nil && r.Progress.Cause != "" && (r.Fault != nil) == h.fault {
			break
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%d requests, shown: %+v %s", asked, r.Progress, fmt.Sprint(r.Fault))
		}
	}
	if c, err := d.file.Capture(context.Background()); err != nil || c.Waiting != 1 || c.Lost != 0 {
		return fmt.Errorf("the queue: %+v %s", c, fmt.Sprint(err))
	}
	good.Store(true)
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		r := d.report()
		if n, same := s.groups(); n == 1 && same && r.Cloud.PendingUploads == 0 && r.Cloud.Connected && r.Progress == nil {
			return nil
		}
		if time.Since(began) > patience {
			return fmt.Errorf("not healed: %+v %+v", r.Cloud, r.Progress)
		}
	}
}
