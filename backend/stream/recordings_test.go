package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
	"github.com/coditect-ai/coditect-sync/backend/stream/row"
)

// TestRecordings does in our database what was done in the source database of each recording, at the same moments of the
// same connections, and compares the lines: the same kinds in the same order, data for the same buckets, and for every
// row the same document with the same checksum. Signs of life are left out, the data lines of a bucket joined, and
// checkpoints between two moments joined too, since several commits may share one.
func TestRecordings(t *testing.T) {
	folders, err := filepath.Glob("testdata/recordings/[0-9]*")
	if err != nil || len(folders) < 10 {
		t.Fatalf("recordings: %v, %v", folders, err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) { reenact(t, folder) })
	}
}

// stage is a re-enactment under way.
type stage struct {
	t        *testing.T
	folder   string
	url      string
	conn     *pgx.Conn
	cast     map[int]*actor
	scenario struct {
		Connections []struct {
			N              int
			Request        string
			Lines          string
			LocalStateFrom *int     `json:"local_state_from"`
			Dropped        []string `json:"dropped_buckets"`
			EndedBy        string   `json:"ended_by"`
		}
	}
	same int // documents that equal the recorded ones byte for byte
}

// actor is one connection: what was recorded, and what we get.
type actor struct {
	n        int
	token    string
	recorded []line
	at       int // recorded lines that were consumed
	script   *replica
	replica  *replica
	stream   *connection
	cut      bool
	request  string // the last write checkpoint told
}

type step struct {
	before  []moment
	ended   int // connection that must have ended
	each    bool
	sql     string
	request string // an HTTP request and its answer
}

type moment struct{ connection, line int }

func reenact(t *testing.T, folder string) {
	s := recorded(t, pgtest.New(t))
	s.write(t, func(c *oplog.Config) { c.CompactEvery = 20 * time.Millisecond })
	url, _ := s.serve(t, func(c *Config) { c.MaxBuckets = 1000 })
	stage := &stage{t: t, folder: folder, url: url, conn: s.source(t), cast: map[int]*actor{}}
	if err := json.Unmarshal(stage.file("scenario.json"), &stage.scenario); err != nil {
		t.Fatal(err)
	}
	for _, step := range stage.steps() {
		stage.perform(step)
	}
	for _, c := range stage.scenario.Connections {
		stage.finish(c.N)
	}
	if stage.same == 0 && filepath.Base(folder) != "01-empty-user" {
		t.Error("not one document equals a recorded one")
	}
}

func (s *stage) file(name string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, name))
	if err == nil && filepath.Ext(name) == ".zst" {
		var reader *zstd.Decoder
		if reader, err = zstd.NewReader(nil); err == nil {
			defer reader.Close()
			text, err = reader.DecodeAll(text, nil)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

var (
	header  = regexp.MustCompile(`(?m)^-- \[([^\]]*)\] ?(.*)$`)
	moments = regexp.MustCompile(`connection (\d+): after line (\d+)`)
	ended   = regexp.MustCompile(`after connection (\d+) ended`)
)

func (s *stage) steps() []step {
	text := string(s.file("source.sql"))
	var all []step
	heads := header.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		when, what := text[h[2]:h[3]], text[h[4]:h[5]]
		one := step{sql: strings.TrimSpace(text[h[1]:end]), each: strings.HasPrefix(what, "autocommit")}
		for _, m := range moments.FindAllStringSubmatch(when, -1) {
			one.before = append(one.before, moment{number(m[1]), number(m[2])})
		}
		if m := ended.FindStringSubmatch(when); m != nil {
			one.ended = number(m[1])
		}
		if strings.HasPrefix(what, "GET ") || strings.HasPrefix(what, "POST ") {
			one.request = what
		}
		all = append(all, one)
	}
	return all
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func (s *stage) perform(step step) {
	s.t.Helper()
	for _, m := range step.before {
		for n := 1; n < step.before[0].connection; n++ { // one after the other, but for those that a step names together
			s.finish(n)
		}
		s.consume(s.actor(m.connection), m.line)
	}
	for n := 1; n <= step.ended; n++ {
		s.finish(n)
	}
	if step.request != "" {
		s.call(step)
		return
	}
	statements := []string{step.sql}
	if step.each {
		statements = strings.Split(step.sql, "\n")
	}
	for _, sql := range statements {
		if sql != "" {
			execute(s.t, s.conn, sql)
		}
	}
	if len(step.before) == 0 { // nobody watches: wait until it is in the log
		s.settle()
	}
}

// settle returns when everything committed is in the log.
func (s *stage) settle() {
	s.t.Helper()
	settle(s.t, s.conn, s.url)
}

func settle(t testing.TB, conn *pgx.Conn, url string) {
	t.Helper()
	answer := get(t, url+"/write-checkpoint2.json?client_id=settle", person("", "settle"))
	m := regexp.MustCompile(`"write_checkpoint":"(\d+)"`).FindStringSubmatch(answer)
	if m == nil {
		t.Fatal(answer)
	}
	waitFor(t, func() error {
		var value int64
		err := conn.QueryRow(t.Context(), "SELECT value FROM sync_log.reached WHERE subject = 'settle'").Scan(&value)
		if err == nil && value < int64(number(m[1])) {
			err = fmt.Errorf("at %d of %s", value, m[1])
		}
		return err
	})
}

var call = regexp.MustCompile(`^(GET|POST) (\S+) (.*?) ?-> (\d+) (.*)$`)

// call makes an HTTP request and compares the answer: all of it where it is an answer, the status where it is a refusal.
func (s *stage) call(step step) {
	s.t.Helper()
	m := call.FindStringSubmatch(step.request)
	if len(m) == 0 || m[2] == "/write-checkpoint.json" { // broken in the service, unknown here
		return
	}
	token := s.cast[1].token
	if m[4] == "401" {
		token = ""
	}
	r, err := http.NewRequestWithContext(s.t.Context(), m[1], s.url+m[2], strings.NewReader(m[3]))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Token "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if fmt.Sprint(response.StatusCode) != m[4] || m[4] == "200" && string(bytes.TrimSpace(text)) != m[5] {
		s.t.Errorf("%s: got %d %s", step.request, response.StatusCode, text)
	}
}

// actor is a connection, opened where it is not yet.
func (s *stage) actor(n int) *actor {
	s.t.Helper()
	if a := s.cast[n]; a != nil {
		return a
	}
	c := s.scenario.Connections[n-1]
	var recorded struct {
		Claims map[string]any `json:"token_claims"`
		Body   struct {
			Client string `json:"client_id"`
		}
	}
	if err := json.Unmarshal(s.file(c.Request), &recorded); err != nil {
		s.t.Fatal(err)
	}
	delete(recorded.Claims, "exp")
	a := &actor{n: n, token: token(recorded.Claims), script: newReplica(s.t), replica: newReplica(s.t)}
	s.cast[n] = a
	for _, text := range bytes.SplitAfter(s.file(c.Lines), []byte("\n")) {
		if len(text) > 0 {
			a.recorded = append(a.recorded, parseLine(s.t, text))
		}
	}
	if c.LocalStateFrom != nil {
		before := s.cast[*c.LocalStateFrom]
		a.script, a.replica = before.script.clone(), before.replica.clone()
	}
	for _, dropped := range c.Dropped {
		delete(a.script.buckets, dropped)
		for name := range a.replica.buckets {
			if plain(name) == plain(dropped) {
				delete(a.replica.buckets, name)
			}
		}
	}
	positions := a.replica.positions()
	positions["7#nobody[]"] = "5"
	body := request(recorded.Body.Client, positions)
	if len(a.recorded) == 0 {
		s.refused(a, body)
		return a
	}
	a.stream = connect(s.t, s.url, a.token, body)
	a.cut = c.EndedBy == "server"
	return a
}

func (s *stage) refused(a *actor, body string) {
	s.t.Helper()
	response, _ := post(s.t, s.url+"/sync/stream", a.token, body)
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusInternalServerError || !strings.Contains(string(text), "PSYNC_S2305") {
		s.t.Errorf("connection %d: %d %s", a.n, response.StatusCode, text)
	}
}

// finish consumes the rest of a connection and closes it.
func (s *stage) finish(n int) {
	s.t.Helper()
	a := s.actor(n)
	if a.stream == nil {
		return
	}
	s.consume(a, len(a.recorded))
	if a.cut {
		select {
		case err := <-a.stream.ended:
			if errors.Is(err, io.EOF) {
				s.t.Errorf("connection %d ended properly, want a cut", n)
			}
		case <-time.After(patience):
			s.t.Errorf("connection %d goes on", n)
		}
	} else {
		s.settle()
		if len(a.stream.lines) > 0 {
			s.t.Errorf("connection %d says more: %.200s", n, (<-a.stream.lines).raw)
		}
	}
	a.stream.close()
	a.stream = nil
}

// consume takes our lines until they say what the recorded ones up to a line say.
func (s *stage) consume(a *actor, to int) {
	s.t.Helper()
	if to <= a.at {
		return
	}
	want, got := &act{kinds: map[string]bool{}, request: a.request}, &act{kinds: map[string]bool{}, request: a.request}
	for _, l := range a.recorded[a.at:to] {
		if !strings.Contains("token_expires_in", l.kind) {
			a.script.apply(l)
			want.add(l)
		}
	}
	a.at = to
	if len(want.kinds) == 0 {
		return
	}
	a.request = want.request
	for {
		for _, l := range a.stream.until("checkpoint_complete") {
			a.replica.apply(l)
			got.add(l)
		}
		if got.equal(want) && s.rowsEqual(a) {
			break
		}
		if got.completes > 20 {
			s.t.Fatalf("connection %d, up to line %d\n got %v\nwant %v", a.n, to, got, want)
		}
		if !got.within(want) {
			s.t.Errorf("connection %d, up to line %d\n got %v\nwant %v", a.n, to, got, want)
			return
		}
	}
}

// act is what some lines say: which kinds for which buckets, in which order within a checkpoint. Several checkpoints are
// laid over each other.
type act struct {
	kinds     map[string]bool
	order     []string
	completes int
	request   string // the last write checkpoint told; no news is no reset
}

func (a *act) add(l line) {
	var body struct {
		Bucket   string
		Priority int
		Buckets  []bucketLine
		Updated  []bucketLine `json:"updated_buckets"`
		Removed  []string     `json:"removed_buckets"`
		Request  string       `json:"write_checkpoint"`
	}
	_ = json.Unmarshal(l.body, &body)
	if body.Request != "" {
		a.request = body.Request
	}
	one := l.kind
	switch l.kind {
	case "data":
		one += " " + plain(body.Bucket)
	case "partial_checkpoint_complete":
		one += fmt.Sprint(" ", body.Priority)
	case "checkpoint_complete":
		a.completes++
	case "checkpoint":
		var names []string
		for _, b := range body.Buckets {
			names = append(names, fmt.Sprint(plain(b.Bucket), b.Priority))
		}
		slices.Sort(names)
		one += fmt.Sprint(" ", len(names), names[:min(8, len(names))])
	case "checkpoint_diff":
		for _, b := range body.Updated {
			a.kinds["updated "+plain(b.Bucket)] = true
		}
		for _, name := range body.Removed {
			a.kinds["removed "+plain(name)] = true
		}
	}
	if l.kind == "data" && len(a.order) > 0 && a.order[len(a.order)-1] == one {
		return // joined
	}
	a.kinds[one] = true
	a.order = append(a.order, one)
}

// equal compares the order too where each is a single checkpoint.
func (a *act) equal(b *act) bool {
	if a.completes == 1 && b.completes == 1 {
		return slices.Equal(a.order, b.order) && maps.Equal(a.kinds, b.kinds) && a.request == b.request
	}
	return maps.Equal(a.kinds, b.kinds) && a.request == b.request
}

func (a *act) within(b *act) bool {
	for kind := range a.kinds {
		if !b.kinds[kind] {
			return false
		}
	}
	return a.completes > 1 || b.completes > 1 || slices.Equal(a.order, b.order)
}

func (a *act) String() string { return strings.Join(a.order, "\n      ") }

// plain is a bucket's name without what differs between servers: the number of the log, and that of a query.
func plain(name string) string {
	_, name, _ = strings.Cut(name, "#")
	return strings.Replace(name, "|0[", "[", 1)
}

// volatile are the values that were made of the clock when the recording was.
var volatile = regexp.MustCompile(`"(created_at|updated_at)":"202\d-\d\d-\d\dT[^"]*"`)

// rowsEqual compares the rows bucket by bucket: the same documents but for values of the clock, and for the same bytes
// the same checksum. It does not fail the test, since more may come.
func (s *stage) rowsEqual(a *actor) bool {
	recorded := map[string]*replicaBucket{}
	for name, b := range a.script.buckets {
		recorded[plain(name)] = b
	}
	same := 0
	for name, b := range a.replica.buckets {
		other := recorded[plain(name)]
		if other == nil && len(b.rows) > 0 || other != nil && len(other.rows) != len(b.rows) {
			return false
		}
		for id, one := range b.rows {
			theirs, ok := other.rows[id]
			if !ok {
				return false
			}
			if one.document == theirs.document {
				same++
				if one.checksum != theirs.checksum || one.checksum != row.PutChecksum(id.table, id.id, one.document) {
					s.t.Errorf("row %s: checksum %d, recorded %d", id, one.checksum, theirs.checksum)
				}
			} else if volatile.ReplaceAllString(one.document, "") != volatile.ReplaceAllString(theirs.document, "") {
				return false
			}
		}
	}
	s.same = max(s.same, same)
	return true
}
