package cloud

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// hasty carries requests to a server whose tokens all seem to end soon: it says so after each checkpoint of a stream, because the
// server itself says it a few times in ten minutes.
type hasty struct {
	http.Transport
	streams atomic.Int64 // that were opened
}

func (h *hasty) RoundTrip(r *http.Request) (*http.Response, error) {
	stream := r.URL.Path == "/sync/stream"
	if stream {
		r = r.Clone(r.Context())
		r.Header.Del("Accept-Encoding")
	}
	answer, err := h.Transport.RoundTrip(r)
	if err == nil && stream && answer.StatusCode == http.StatusOK {
		h.streams.Add(1)
		answer.Body = &nagging{body: answer.Body, in: bufio.NewReader(answer.Body)}
	}
	return answer, err
}

// nagging adds what hasty says to a stream.
type nagging struct {
	body io.Closer
	in   *bufio.Reader
	line []byte // what of it was not read yet
}

func (n *nagging) Read(b []byte) (int, error) {
	if len(n.line) == 0 {
		var err error
		if n.line, err = n.in.ReadBytes('\n'); err != nil {
			return 0, err
		}
		if strings.HasPrefix(string(n.line), `{"checkpoint_complete"`) {
			n.line = append(n.line, "{\"token_expires_in\":7}\n"...)
		}
	}
	read := copy(b, n.line)
	n.line = n.line[read:]
	return read, nil
}

func (n *nagging) Close() error { return n.body.Close() }

// TestHandOver: a stream whose token ends soon is left for the next one while rows come. The machine is connected all the
// time, and has every row once.
func TestHandOver(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	road := &hasty{Transport: http.Transport{DisableCompression: true}}
	t.Cleanup(road.CloseIdleConnections)
	a, b := newDesk(t, c, mira, "studio"), newDesk(t, c, mira, "laptop").starts()
	a.edit = func(config *Config) { config.Transport = road }
	a.starts()
	a.waits(patience, a.connected)
	const rows = 60
	for i := range rows {
		b.db.Exec(fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('d%d', 'one')", i))
		a.sees("SELECT count(*) FROM decisions", fmt.Sprint(i+1))
		if err := a.connected(); err != nil {
			t.Fatalf("after %d rows and %d streams: %v", i+1, road.streams.Load(), err)
		}
	}
	if n := road.streams.Load(); n < rows/2 {
		t.Errorf("%d streams for %d rows: it was not handed over", n, rows)
	}
	same(t, a, b)
	if log := a.log.String(); strings.Contains(log, "stream put off") || strings.Contains(log, "stream left") {
		t.Errorf("a stream ended before there was another one: %s", tail(log))
	}
}

func (d *desk) connected() error {
	if r := d.report(); r.Cloud == nil || !r.Cloud.Connected {
		return fmt.Errorf("%s is not connected: %+v", d.name, r.Progress)
	}
	return nil
}

// TestOlderWriteCheckpoints: a server that does not know requests with a number is asked as before, and what went up comes
// back and is forgotten all the same.
func TestOlderWriteCheckpoints(t *testing.T) {
	c := cloudtest.New(t)
	a := newDesk(t, c, somebody(t, c, "mira@lumen.works"), "studio")
	o := newOffice(t, c.URL)
	var older atomic.Int64
	o.saw = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.URL.Path == "/write-checkpoint2.json" {
			older.Add(1)
		}
		unknown := r.URL.Path == "/sync/checkpoint-request"
		if unknown {
			http.NotFound(w, r)
		}
		return unknown
	}
	a.edit = func(config *Config) { config.Server = o.server.URL }
	a.starts()
	for i := range 3 {
		a.db.Exec(fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('d%d', 'one')", i))
		a.sees("SELECT count(*) FROM decisions WHERE user_id IS NOT NULL", fmt.Sprint(i+1)) // as the cloud has it
	}
	a.sees("SELECT count(*) FROM _coditect_groups", "0")
	if older.Load() == 0 {
		t.Error("it was never asked the older way")
	}
	same(t, a)
}

// TestALargeRow: a row of many megabytes is one line on its way down, and whole on every machine.
func TestALargeRow(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio").starts(), newDesk(t, c, mira, "laptop").starts()
	// Quotes and line ends are what makes a line longer than the row.
	a.db.Exec(`INSERT INTO decisions (id, decision) VALUES ('large', replace(hex(zeroblob(1000000)), '00', 'said "so"' || char(10))), ('small', 'x')`)
	const sum = "SELECT count(*), sum(length(decision)), count(DISTINCT substr(decision, -10)) FROM decisions"
	want, err := a.db.TryExec(sum)
	if err != nil {
		t.Fatal(err)
	}
	b.sees(sum, want)
	same(t, a, b)
	nothingLost(t, a, b)
}

// TestRefusedForItsSize: something in between takes no large requests. What goes through in smaller ones goes through, and what
// nobody takes in any size is in lost & found, with all that waited behind it in the cloud.
func TestRefusedForItsSize(t *testing.T) {
	c := cloudtest.New(t)
	a := newDesk(t, c, somebody(t, c, "mira@lumen.works"), "studio")
	o := newOffice(t, c.URL)
	var refused atomic.Int64
	o.saw = func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		large := r.URL.Path == "/v1/push" && len(body) > 4000
		if large {
			refused.Add(1)
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		}
		return large
	}
	a.edit = func(config *Config) {
		config.Server, config.pace.firstTry, config.pace.lastTry = o.server.URL, firstPause, firstPause
	}
	for i := range 40 { // transactions of their own, before there is an engine
		a.db.Exec(fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('d%d', hex(randomblob(%d)))", i, 200+i))
		if i == 20 {
			a.db.Exec("INSERT INTO decisions (id, decision) VALUES ('vast', hex(randomblob(20000)))")
		}
	}
	a.starts()
	a.sees("SELECT count(*) FROM decisions WHERE user_id IS NOT NULL", "40")
	a.sees("SELECT count(*) FROM _coditect_lost", "1")
	items, err := a.file.Lost(t.Context())
	if err != nil || len(items) != 1 || items[0].Row != "vast" || items[0].Kind != app.LostRejected || len(items[0].Mine) < 40000 {
		t.Errorf("lost & found: %+v, %v", items, err)
	}
	if refused.Load() < 5 {
		t.Errorf("%d requests were refused: nothing was tried", refused.Load())
	}
	a.inOrder()
}

// TestRefusedByTheServer: a group that the server will not read at all is in lost & found, with what it held, and the others are
// in the cloud.
func TestRefusedByTheServer(t *testing.T) {
	c := cloudtest.New(t)
	a := newDesk(t, c, somebody(t, c, "mira@lumen.works"), "studio")
	o := newOffice(t, c.URL)
	o.saw = func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		bad := r.URL.Path == "/v1/push" && strings.Contains(inflated(t, body), `"unreadable"`)
		if bad {
			w.Header().Set("Content-Type", problem)
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"code":"MALFORMED","detail":"groups: It cannot be read."}`)
		}
		return bad
	}
	a.edit = func(config *Config) { config.Server = o.server.URL }
	for _, id := range []string{"d1", "unreadable", "d2", "d3"} {
		a.db.Exec(fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('%s', 'one')", id))
	}
	a.starts()
	a.sees("SELECT count(*) FROM decisions WHERE user_id IS NOT NULL", "3")
	a.sees("SELECT count(*) FROM _coditect_lost", "1")
	items, err := a.file.Lost(t.Context())
	if err != nil || len(items) != 1 || items[0].Row != "unreadable" || !strings.Contains(string(items[0].Mine), `"one"`) {
		t.Errorf("lost & found: %+v, %v", items, err)
	}
	a.inOrder()
}

// inOrder wants no push put off because the server missed a group that it was never to see.
func (d *desk) inOrder() {
	d.t.Helper()
	if log := d.log.String(); strings.Contains(log, "could not take the changes now") {
		d.t.Errorf("the server asked for a group that it was never to see: %s", tail(log))
	}
}

func inflated(t testing.TB, body []byte) string {
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer z.Close()
	text, err := z.DecodeAll(body, nil)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
