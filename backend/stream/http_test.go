package stream

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
)

func TestRefusals(t *testing.T) {
	s, url := office(t)
	good, large := person(tenant, ada), `{"buckets":[],"x":"`+strings.Repeat("x", maxBody)+`"}`
	for _, c := range []struct {
		name, method, path, token, kind, body string
		status                                int
		code                                  string
	}{
		{"no token", "POST", "/sync/stream", "", "application/json", "{}", 401, "PSYNC_S2106"},
		{"other scheme", "POST", "/sync/stream", "Basic " + good, "application/json", "{}", 401, "PSYNC_S2106"},
		{"malformed token", "POST", "/sync/stream", "Token a.b.c", "application/json", "{}", 401, "PSYNC_S2101"},
		{"no JSON", "POST", "/sync/stream", "Token " + good, "application/json", "{", 400, "PSYNC_S2001"},
		{"empty", "POST", "/sync/stream", "Token " + good, "application/json", "", 400, "PSYNC_S2001"},
		{"buckets of the wrong type", "POST", "/sync/stream", "Token " + good, "application/json", `{"buckets":"secret"}`, 400, "PSYNC_S2001"},
		{"no after", "POST", "/sync/stream", "Token " + good, "application/json", `{"buckets":[{"name":"secret"}]}`, 400, "PSYNC_S2001"},
		{"after no number", "POST", "/sync/stream", "Token " + good, "application/json", `{"buckets":[{"name":"x","after":"secret"}]}`, 400, "PSYNC_S2001"},
		{"no media type", "POST", "/sync/stream", "Token " + good, "", "{}", 415, "PSYNC_S2001"},
		{"a form", "POST", "/sync/stream", "Token " + good, "application/x-www-form-urlencoded", "{}", 415, "PSYNC_S2001"},
		{"too large", "POST", "/sync/stream", "Token " + good, "application/json", large, 413, "PSYNC_S2001"},
		{"GET", "GET", "/sync/stream", "Token " + good, "", "", 404, "PSYNC_S2002"},
		{"unknown path", "POST", "/sync/nothing", "Token " + good, "application/json", "{}", 404, "PSYNC_S2002"},
		{"write checkpoint without token", "GET", "/write-checkpoint2.json", "", "", "", 401, "PSYNC_S2106"},
		{"request without client", "POST", "/sync/checkpoint-request", "Bearer " + good, "application/json", `{"checkpoint_request_id":"1"}`, 400, "PSYNC_S2001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := http.NewRequestWithContext(t.Context(), c.method, url+c.path, strings.NewReader(c.body))
			r.Header.Set("Authorization", c.token)
			r.Header.Set("Content-Type", c.kind)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, _ := io.ReadAll(response.Body)
			var answer map[string]failure
			if err := json.Unmarshal(text, &answer); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			f := answer["error"]
			if response.StatusCode != c.status || f.Status != c.status || f.Code != c.code || f.Description == "" {
				t.Errorf("got %d %s", response.StatusCode, text)
			}
			if bytes.Contains(text, []byte("secret")) {
				t.Errorf("the answer repeats the request: %s", text)
			}
		})
	}
	_ = s
}

// What a service of the protocol accepts although one would not think so, clients may rely on.
func TestOddRequestsAreStreams(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	s.write(t)
	url, _ := s.serve(t)
	for _, body := range []string{"{}", "[]", `{"nonsense":1}`, `{"buckets":[{"name":"x","after":"-1"}]}`,
		`{"buckets":[{"name":"x","after":"99999999999999999999"}]}`,
		`{"streams":{"include_defaults":true,"subscriptions":[{"stream":"no_such_stream","parameters":{},"override_priority":null}]}}`} {
		c := connect(t, url, person(tenant, ada), body)
		r := newReplica(t)
		r.apply(c.until("checkpoint_complete")...)
		if len(r.target) != 4 {
			t.Errorf("%s: %d buckets", body, len(r.target))
		}
		c.close()
	}
	c, r := connect(t, url, token(map[string]any{"sub": ada}), "{}"), newReplica(t)
	if r.apply(c.until("checkpoint_complete")...); len(r.target) != 0 {
		t.Errorf("without a tenant: %v", r.target)
	}
}

func TestTheClientChoosesStreams(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	s.rules.Streams[2].Default = false // mine_messages
	s.write(t)
	url, _ := s.serve(t)
	execute(t, s.source(t), "INSERT INTO messages (id, tenant_id, user_id, content) VALUES (gen_random_uuid(), $1, $2, 'one')", tenant, ada)
	settle(t, s.source(t), url)
	for body, want := range map[string]string{
		`{}`:                                     "[mine2 mine_knowledge1 org3]",
		`{"streams":{"include_defaults":false}}`: "[]",
		`{"raw_data":true,"streams":{"include_defaults":false,"subscriptions":[{"stream":"mine_messages","override_priority":0}]}}`: "[mine_messages0]",
		`{"raw_data":true,"streams":{"subscriptions":[{"stream":"nothing"},{"stream":"mine_messages"},{"stream":"mine"}]}}`:         "[mine2 mine_knowledge1 mine_messages3 org3]",
	} {
		c, r := connect(t, url, person(tenant, ada), body), newReplica(t)
		r.apply(c.until("checkpoint_complete")...)
		got := []string{}
		for name, priority := range r.rank {
			short, _, _ := strings.Cut(plain(name), "[")
			got = append(got, fmt.Sprint(short, priority))
		}
		slices.Sort(got)
		if fmt.Sprint(got) != want || strings.Contains(want, "messages") != (len(r.rows()) == 1) {
			t.Errorf("%s: got %v with %d rows, want %s", body, got, len(r.rows()), want)
		}
		c.close()
	}
	c := connect(t, url, person(tenant, ada), `{"streams":{"subscriptions":[{"stream":"mine"},{"stream":"mine_messages"}]}}`)
	first := string(c.next().raw)
	for _, want := range []string{`"subscriptions":[{"default":0},{"sub":0}]`, `"subscriptions":[{"sub":1}]`, `{"name":"mine_messages","is_default":false,"errors":[]}`} {
		if !strings.Contains(first, want) {
			t.Errorf("%s is not in %s", want, first)
		}
	}
}

// A client that does not ask for raw documents gets them as objects.
func TestDocumentsAsObjects(t *testing.T) {
	s, url := office(t)
	add(t, s.source(t), ada, `a "quoted" text`)
	settle(t, s.source(t), url)
	for _, l := range connect(t, url, person(tenant, ada), `{}`).until("checkpoint_complete") {
		if l.kind != "data" {
			continue
		}
		var d struct {
			Data []struct{ Data map[string]any }
		}
		if l.decode(t, &d); d.Data[0].Data["content"] != `a "quoted" text` {
			t.Errorf("got %s", l.raw)
		}
		return
	}
	t.Error("no data came")
}

// Signs of life come while nothing happens, the more often the nearer the token's end, and the stream ends properly with
// the token.
func TestAStreamEndsWithItsToken(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	s.write(t)
	url, _ := s.serve(t, func(c *Config) { c.Quiet = 400 * time.Millisecond })
	end := time.Now().Add(2 * time.Second).Truncate(time.Millisecond)
	c := connect(t, url, token(map[string]any{"sub": ada, "tenant_id": tenant, "exp": float64(end.UnixMilli()) / 1000}), "{}")
	var said []string
	for l := range c.lines {
		if l.kind == "token_expires_in" {
			said = append(said, string(l.body))
		}
	}
	if err := <-c.ended; !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
	if n := len(said); n < 3 || said[n-1] != "0" || !slices.IsSortedFunc(said, func(a, b string) int { return -strings.Compare(a, b) }) {
		t.Errorf("said %v", said)
	}
	if time.Now().Before(end) {
		t.Error("ended before the token")
	}
	late := connect(t, url, token(map[string]any{"sub": ada, "exp": 1.0}), "{}")
	if l := late.next(); string(l.raw) != `{"token_expires_in":0}` {
		t.Errorf("a token that has expired gets %s", l.raw)
	}
	if _, more := <-late.lines; more {
		t.Error("and more")
	}
}

// Compressed streams say the same, are handed out line by line, and zstd is preferred.
func TestCompression(t *testing.T) {
	s, url := office(t)
	conn := s.source(t)
	add(t, conn, ada, strings.Repeat("text ", 1000))
	settle(t, conn, url)
	for accepted, want := range map[string]string{"identity": "", "": "", "br": "", "gzip": "gzip", "zstd": "zstd", "gzip, zstd": "zstd", "gzip;q=1, zstd;q=0": "gzip"} {
		ctx, cancel := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/sync/stream", strings.NewReader(request("c", nil)))
		r.Header.Set("Authorization", "Token "+person(tenant, ada))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept-Encoding", accepted)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%q: encoded as %q", accepted, got)
		}
		c := &connection{t: t, lines: make(chan line, 100), ended: make(chan error, 1)}
		go c.read(decoded(t, response.Body, want))
		replica := newReplica(t)
		replica.reaches(c, stored(t, conn, ada))
		add(t, conn, ada, "live for "+accepted)
		replica.reaches(c, stored(t, conn, ada))
		cancel()
		<-c.ended
		response.Body.Close()
	}
}

func TestProbes(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	stop := s.write(t)
	url, _ := s.serve(t)
	for _, name := range []string{"startup", "liveness", "readiness"} {
		if got := get(t, url+"/probes/"+name, ""); !strings.HasPrefix(got, "200") {
			t.Errorf("%s: %s", name, got)
		}
	}
	stop()
	execute(t, s.source(t), "UPDATE sync_log.state SET ready = false")
	for name, want := range map[string]string{"startup": "503", "liveness": "200", "readiness": "503"} {
		if got := get(t, url+"/probes/"+name, ""); !strings.HasPrefix(got, want) {
			t.Errorf("%s while the log is being built: %s", name, got)
		}
	}
	response, _ := post(t, url+"/sync/stream", person(tenant, ada), "{}")
	if text, _ := io.ReadAll(response.Body); response.StatusCode != 503 || !bytes.Contains(text, []byte("PSYNC_S2302")) {
		t.Errorf("a stream: %d %s", response.StatusCode, text)
	}
}

func TestTooManyStreams(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	s.write(t)
	url, _ := s.serve(t, func(c *Config) { c.MaxStreams = 2 })
	first := connect(t, url, person(tenant, ada), "{}")
	first.until("checkpoint_complete")
	connect(t, url, person(tenant, ada), "{}").until("checkpoint_complete")
	response, _ := post(t, url+"/sync/stream", person(tenant, ada), "{}")
	if text, _ := io.ReadAll(response.Body); response.StatusCode != 429 || !bytes.Contains(text, []byte("PSYNC_S2304")) {
		t.Errorf("the third: %d %s", response.StatusCode, text)
	}
	first.close()
	reconnect(t, url, person(tenant, ada), "{}").until("checkpoint_complete")
}

// A client that does not read is cut off; the others do not wait for it.
func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	conn := s.source(t)
	execute(t, conn, "INSERT INTO messages (id, tenant_id, user_id, content) SELECT gen_random_uuid(), $1, $2, repeat(md5(g::text), 300) FROM generate_series(1, 4000) g", tenant, ada)
	s.write(t)
	url, _ := s.serve(t, func(c *Config) { c.MaxStreams = 2 })
	post(t, url+"/sync/stream?impatient", person(tenant, ada), request("c", nil)) // and does not read
	r := newReplica(t)
	r.reaches(connect(t, url, person(tenant, ada), request("d", nil)), stored(t, conn, ada))
	reconnect(t, url, person(tenant, ada), request("e", nil)) // when the first has lost its place
}

// What is urgent does not wait for the end of a long download, and no stream outlives its token.
func TestALongDownloadLooksUp(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	conn := s.source(t)
	execute(t, conn, "INSERT INTO messages (id, tenant_id, user_id, content) SELECT gen_random_uuid(), $1, $2, repeat(md5(g::text), 300) FROM generate_series(1, 6000) g", tenant, ada)
	s.write(t)
	url, _ := s.serve(t)
	response, _ := post(t, url+"/sync/stream", person(tenant, ada), request("c", nil))
	short := token(map[string]any{"sub": ada, "tenant_id": tenant, "exp": float64(time.Now().Add(2*time.Second).UnixMilli()) / 1000})
	expiring, _ := post(t, url+"/sync/stream", short, request("d", nil))
	execute(t, conn, "INSERT INTO decisions (id, tenant_id, user_id, decision) VALUES (gen_random_uuid(), $1, $2, 'urgent')", tenant, ada)
	settle(t, conn, url)
	c, r := follow(t, response, func() {}), newReplica(t)
	for len(r.contents("decisions", "id")) == 0 {
		r.apply(c.until("partial_checkpoint_complete")...)
	}
	if r.got["checkpoint_complete"] > 0 || r.got["checkpoint_diff"] == 0 {
		t.Errorf("the decision came with %v", r.got)
	}
	r.reaches(c, stored(t, conn, ada))

	<-time.After(2 * time.Second) // until the token has expired
	var last line
	cut := follow(t, expiring, func() {})
	for l := range cut.lines {
		last = l
	}
	if string(last.raw) != `{"token_expires_in":0}` || !errors.Is(<-cut.ended, io.EOF) {
		t.Errorf("the last line is %.100s", last.raw)
	}
}

// A log built anew has other buckets, so no client can mistake its old positions for new ones; open streams are cut.
func TestTheLogIsBuiltAnew(t *testing.T) {
	for name, spoil := range map[string]func(*site){
		"the rules changed": func(s *site) { s.rules.Streams[4].Priority = 2 },
		"the slot is gone":  func(s *site) { s.db.Exec(t, "SELECT pg_drop_replication_slot('slot_"+s.db.Name+"')") },
		"nothing is ready":  func(s *site) { s.db.Exec(t, "UPDATE sync_log.state SET ready = false") },
	} {
		t.Run(name, func(t *testing.T) {
			s := recorded(t, pgtest.New(t))
			conn := s.source(t)
			add(t, conn, ada, "before")
			stop := s.write(t)
			url, stopServer := s.serve(t)
			c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
			r.reaches(c, []string{"before"})
			stop()
			s.released(t)
			spoil(s)
			add(t, conn, ada, "meanwhile")
			s.write(t)
			if name == "the rules changed" { // by a server of the new version
				stopServer()
				url, _ = s.serve(t)
			} else if err := <-c.ended; errors.Is(err, io.EOF) {
				t.Error("the stream ended properly")
			}
			c = reconnect(t, url, person(tenant, ada), request("c", r.positions()))
			r.reaches(c, []string{"before", "meanwhile"})
			for name := range r.buckets {
				if !strings.HasPrefix(name, "2#") {
					t.Errorf("bucket %s", name)
				}
			}
		})
	}
}

func TestATableThatIsNotPublishedIsReported(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	s.db.Exec(t, "ALTER PUBLICATION recorded DROP TABLE messages")
	var log bytes.Buffer
	w, err := oplog.NewWriter(oplog.Config{Database: s.db.DSN(s.role), Publication: s.public, Slot: "slot_" + s.db.Name,
		Rules: s.rules, Log: plainLog(&log), Retry: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_ = w.Run(ctx)
	if !strings.Contains(log.String(), "does not list the table") {
		t.Errorf("logged %s", log.String())
	}
}

// apiVerifier is a verifier of the API.
type apiVerifier func(token string) (backend.Principal, error)

func (v apiVerifier) Verify(_ context.Context, token string) (backend.Principal, error) {
	return v(token)
}

func TestTokensOfTheAPI(t *testing.T) {
	v := Tokens(apiVerifier(func(token string) (backend.Principal, error) {
		switch token {
		case "good":
			return backend.Principal{Tenant: "t", User: "u", Expires: time.Unix(5, 0)}, nil
		case "later":
			return backend.Principal{}, backend.Errorf(backend.Unavailable, "Not now.")
		default:
			return backend.Principal{}, backend.Errorf(backend.Unauthenticated, "No.")
		}
	}))
	p, err := v.Verify(t.Context(), "good")
	if err != nil || p.Claims["tenant_id"] != "t" || p.Claims["sub"] != "u" || p.Subject != `["t","u"]` || !p.Expires.Equal(time.Unix(5, 0)) {
		t.Errorf("got %+v, %v", p, err)
	}
	var refused *AuthError
	if _, err := v.Verify(t.Context(), "bad"); !errors.As(err, &refused) || refused.Code != CodeBadToken {
		t.Errorf("got %v", err)
	}
	if _, err := v.Verify(t.Context(), "later"); !errors.Is(err, errCannotTell) {
		t.Errorf("got %v", err)
	}
}

// decoded undoes the encoding of a body, line by line as it comes.
func decoded(t testing.TB, body io.Reader, encoding string) io.Reader {
	t.Helper()
	var err error
	switch encoding {
	case "gzip":
		body, err = gzip.NewReader(body)
	case "zstd":
		var reader *zstd.Decoder
		reader, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1))
		if err == nil {
			t.Cleanup(reader.Close)
		}
		body = reader
	}
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestARefusedTokenEndsItsStream: an open stream asks again whether its token is good. While nobody can tell, it goes on.
func TestARefusedTokenEndsItsStream(t *testing.T) {
	s := product(t, pgtest.New(t))
	s.write(t)
	var answer atomic.Pointer[error]
	s.verifier = doorkeeper{&answer}
	url, _ := s.serve(t, func(c *Config) { c.Recheck = 10 * time.Millisecond })
	c := connect(t, url, person("acme", "ann"), request("c", nil))
	c.until("checkpoint_complete")
	away := error(errCannotTell)
	answer.Store(&away)
	s.db.Exec(t, `INSERT INTO app.tenants VALUES ('acme', 'Acme');
		INSERT INTO app.decisions (tenant_id, id, user_id, decision) VALUES ('acme', 'd', 'ann', 'x')`)
	c.until("checkpoint_complete")
	no := error(&AuthError{CodeBadToken, "No."})
	answer.Store(&no)
	var last line
	for l := range c.lines {
		last = l
	}
	if err := <-c.ended; !errors.Is(err, io.EOF) || string(last.raw) != `{"token_expires_in":0}` {
		t.Errorf("ended with %v after %s", err, last.raw)
	}
}

// doorkeeper gives the answer that is set, or opens.
type doorkeeper struct{ answer *atomic.Pointer[error] }

func (d doorkeeper) Verify(ctx context.Context, token string) (Principal, error) {
	if err := d.answer.Load(); err != nil {
		return Principal{}, *err
	}
	return openDoor{}.Verify(ctx, token)
}
