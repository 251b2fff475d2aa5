package sqlite

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// TestRecording replays what a PowerSync Service sent, line by line, into a real file, and compares the rows at the end of
// each connection with those of the source database. POWERSYNC_RECORDINGS names another folder of recordings; any file of
// one may be compressed.
func TestRecording(t *testing.T) {
	folders := recordingFolders(t)
	if len(folders) == 0 {
		t.Fatal("there are no recordings")
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) { newRecording(t, folder).replay() })
	}
}

// recordingFolders are those that have a scenario. Some are the server's too, and lie with it.
func recordingFolders(t testing.TB) (folders []string) {
	t.Helper()
	roots := []string{"testdata/recordings", "../../backend/stream/testdata/recordings"}
	if dir := os.Getenv("POWERSYNC_RECORDINGS"); dir != "" {
		roots = []string{dir}
	}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), "scenario.json") {
				folders = append(folders, filepath.Dir(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// recording is one scenario.
type recording struct {
	t        *testing.T
	folder   string
	scenario struct {
		Connections []recordedConnection
	}
	ends map[int]string // copies of the file at the end of each connection
}

type recordedConnection struct {
	N               int
	Request, Lines  string
	Status, Expect  string
	From            *int     `json:"local_state_from"`
	FromLine        *int     `json:"local_state_from_line"`
	Dropped         []string `json:"dropped_buckets"`
	Overridden      bool     `json:"buckets_overridden"`
	ChecksumFailure bool     `json:"checksum_failure_expected"`
	EndedBy         string   `json:"ended_by"`
}

func newRecording(t *testing.T, folder string) *recording {
	r := &recording{t: t, folder: folder, ends: map[int]string{}}
	r.json("scenario.json", &r.scenario)
	return r
}

// file reads a file, compressed or not, also when it ends in mid-stream. ok is false if it is not there.
func (r *recording) file(name string) (text []byte, ok bool) {
	return unpacked(r.t, filepath.Join(r.folder, name))
}

func unpacked(t testing.TB, path string) (text []byte, ok bool) {
	t.Helper()
	for _, ext := range []string{"", ".zst", ".gz"} {
		file, err := os.Open(path + ext)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		text, err := io.ReadAll(unpacking(t, file, path+ext))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		return text, true
	}
	return nil, false
}

// unpacking undoes what the end of a name says.
func unpacking(t testing.TB, from io.Reader, name string) io.Reader {
	t.Helper()
	ext := filepath.Ext(name)
	var err error
	switch ext {
	case ".zst":
		from, err = zstd.NewReader(from, zstd.WithDecoderConcurrency(1))
	case ".gz":
		from, err = gzip.NewReader(from)
	default:
		return from
	}
	if err != nil {
		t.Fatal(err)
	}
	return unpacking(t, from, strings.TrimSuffix(name, ext))
}

func (r *recording) json(name string, into any) {
	r.t.Helper()
	text, ok := r.file(name)
	if !ok {
		r.t.Fatalf("there is no %s", name)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		r.t.Fatal(err)
	}
}

func (r *recording) replay() {
	for _, c := range r.scenario.Connections {
		r.connection(c)
	}
	if _, there := r.file("http.json"); there {
		r.answers()
	}
	if len(r.scenario.Connections) == 0 {
		if _, there := r.file("http.json"); !there {
			r.t.Fatal("nothing to replay")
		}
	}
}

type recordedRows map[string]map[string]map[string]any

// tables are those of the recordings' schema.sql, with the columns that came later in this scenario.
func (r *recording) tables() []schema.Table {
	columns := map[string]map[string]schema.Type{}
	for _, c := range r.scenario.Connections {
		if c.Expect == "" {
			continue
		}
		var rows recordedRows
		r.json(c.Expect, &rows)
		for table, byID := range rows {
			for _, row := range byID {
				for name, v := range row {
					if columns[table] == nil {
						columns[table] = map[string]schema.Type{}
					}
					kind := schema.Type("n")
					if _, isText := v.(string); isText {
						kind = "t"
					}
					if seen, known := columns[table][name]; v != nil && !strings.Contains(string(seen), string(kind)) || !known {
						columns[table][name] += kind
					}
				}
			}
		}
	}
	tables := r.schema()
	for i, t := range tables {
		for name, kinds := range columns[t.Name] {
			at := slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == name })
			text, number := strings.Contains(string(kinds), "t"), strings.Contains(string(kinds), "n")
			switch {
			case at < 0:
				tables[i].Columns = append(tables[i].Columns, schema.Column{Name: name, Type: "ANY"})
			case t.Columns[at].Type == schema.Integer && text && number:
				tables[i].Columns[at].Type = "ANY" // its type was changed
			}
		}
	}
	return tables
}

var createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\);`)

// schema reads the synced tables of schema.sql.
func (r *recording) schema() (tables []schema.Table) {
	var text []byte
	for _, dir := range []string{"..", "../../../../backend/stream/testdata/recordings", "../../../../../backend/stream/testdata/recordings"} {
		if b, there := r.file(filepath.Join(dir, "schema.sql")); there {
			text = b
			break
		}
	}
	types := map[string]schema.Type{"uuid": schema.Text, "text": schema.Text, "timestamptz": schema.Text, "jsonb": schema.Text,
		"double": schema.Real, "bigint": schema.Integer}
	for _, m := range createTable.FindAllStringSubmatch(string(text), -1) {
		t := schema.Table{Name: m[1]}
		for _, part := range regexp.MustCompile(`(?:^|,)\s*(\w+) (uuid|text|timestamptz|jsonb|double|bigint)\b`).FindAllStringSubmatch(m[2], -1) {
			t.Columns = append(t.Columns, schema.Column{Name: part[1], Type: types[part[2]]})
		}
		if !slices.Contains([]string{"tenants", "users", "team_members"}, t.Name) {
			tables = append(tables, t)
		}
	}
	if len(tables) != 6 {
		r.t.Fatalf("schema.sql has %d synced tables", len(tables))
	}
	return tables
}

// client is a file that follows a stream.
type client struct {
	t       testing.TB
	f       *File
	m       *powersync.Machine
	left    powersync.Reason
	fetches int
}

// newClient makes the file and its tables where they are not there.
func newClient(t testing.TB, path string, tables []schema.Table) *client {
	t.Helper()
	f, err := New(Config{Path: path, Tables: tables})
	if err != nil {
		t.Fatal(err)
	}
	if there, _ := f.Exists(); !there {
		var ddl []string
		for _, table := range tables {
			ddl = append(ddl, table.DDL())
		}
		makeDB(t, path, ddl...)
		if _, err := f.Adopt(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return &client{t: t, f: f}
}

// connect begins a stream from what the file has.
func (c *client) connect() []powersync.Bucket {
	c.t.Helper()
	buckets, err := c.f.Buckets(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	c.m, c.left = powersync.New(powersync.Config{ClientID: "client", Buckets: buckets}), ""
	return buckets
}

// hear gives one line to the machine and carries out what it says.
func (c *client) hear(line []byte) {
	c.t.Helper()
	for _, i := range c.m.Line(line) {
		if err := c.do(i); err != nil {
			c.t.Fatalf("%T: %v", i, err)
		}
	}
}

func (c *client) do(i powersync.Instruction) error {
	switch i := i.(type) {
	case powersync.Store:
		return c.f.Store(c.t.Context(), i)
	case powersync.Restart:
		return c.f.Restart(c.t.Context(), i)
	case powersync.Apply:
		for {
			out, err := c.f.Apply(c.t.Context(), i)
			if err != nil || !out.More {
				if err == nil && !out.Done {
					c.t.Errorf("not applied: %+v", out)
				}
				return err
			}
		}
	case powersync.Reconnect:
		c.left = i.Reason
	case powersync.Fetch:
		c.fetches++
	}
	return nil
}

func (r *recording) connection(c recordedConnection) {
	t := r.t
	path := filepath.Join(t.TempDir(), "context.db")
	if c.From != nil {
		copyFile(t, r.ends[*c.From], path)
	}
	k := newClient(t, path, r.tables())
	if c.FromLine != nil {
		r.upTo(k, c)
	}
	k.connect()
	for _, name := range c.Dropped {
		if err := k.f.Restart(t.Context(), powersync.Restart{To: powersync.Bucket{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	buckets := k.connect()
	r.request(c, buckets)
	text, _ := r.file(strings.TrimSuffix(strings.TrimSuffix(c.Lines, ".zst"), ".gz"))
	for line := range bytes.Lines(text) {
		if k.hear(line); k.left != "" {
			break
		}
	}
	r.end(c, k)
	r.ends[c.N] = path
}

// upTo takes a client to where another connection was after some lines.
func (r *recording) upTo(k *client, c recordedConnection) {
	for _, other := range r.scenario.Connections {
		if c.From == nil || other.N != *c.From {
			continue
		}
		text, _ := r.file(other.Lines)
		k.connect()
		n := 0
		for line := range bytes.Lines(text) {
			if n++; n <= *c.FromLine {
				k.hear(line)
			}
		}
	}
}

// request compares the positions with those that were sent: they are what our file has, too.
func (r *recording) request(c recordedConnection, buckets []powersync.Bucket) {
	var sent struct {
		Body struct {
			Buckets []struct{ Name, After string }
		}
	}
	r.json(c.Request, &sent)
	if c.Overridden || c.FromLine != nil {
		return
	}
	got := map[string]string{}
	for _, b := range buckets {
		if b.Position != 0 || b.Checksum != 0 {
			got[b.Name] = fmt.Sprint(b.Position)
		}
	}
	for _, b := range sent.Body.Buckets {
		if got[b.Name] != b.After && b.After != "0" {
			r.t.Errorf("connection %d: position %q of %s, sent was %s", c.N, got[b.Name], b.Name, b.After)
		}
		delete(got, b.Name)
	}
	if len(got) > 0 {
		r.t.Errorf("connection %d: positions that were not sent: %v", c.N, got)
	}
}

func (r *recording) end(c recordedConnection, k *client) {
	t := r.t
	if want := map[bool]powersync.Reason{true: powersync.ReasonChecksum}[c.ChecksumFailure]; c.ChecksumFailure != (k.left == powersync.ReasonChecksum) {
		t.Errorf("connection %d: left because of %q, want %q", c.N, k.left, want)
	}
	if k.left == powersync.ReasonBroken || k.left == powersync.ReasonNothingListed {
		t.Errorf("connection %d: left because of %q", c.N, k.left)
	}
	if c.Status != "" {
		r.status(c, k)
	}
	if c.Expect != "" && !c.ChecksumFailure {
		var want recordedRows
		r.json(c.Expect, &want)
		compareRows(t, k.f.path, want)
	}
	if files, _ := os.ReadDir(spoolDir(k.f.path)); len(files) > 0 && c.Expect != "" {
		t.Errorf("%d files of downloaded operations are left", len(files))
	}
}

// status looks at an answer that is no stream: the rows stay, and it is tried again.
func (r *recording) status(c recordedConnection, k *client) {
	text, there := r.file(c.Status)
	if !there {
		return
	}
	var s struct {
		Status int
		Body   string
	}
	if err := json.Unmarshal(text, &s); err != nil {
		r.t.Fatal(err)
	}
	if got := powersync.Refused(s.Status, []byte(s.Body)); (got.Reaction == powersync.ReactRead) != (s.Status == 200) {
		r.t.Errorf("connection %d: %+v", c.N, got)
	}
	if k.left == powersync.ReasonExpired && k.fetches == 0 {
		r.t.Error("no new token was asked for before the old one ended")
	}
}

// compareRows compares every table with what is expected, a missing column with NULL.
func compareRows(t testing.TB, path string, want recordedRows) {
	t.Helper()
	c, err := open(t.Context(), path, modeRead)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	for table, rows := range want {
		got := readRows(t, c, table)
		for id, row := range rows {
			mine, there := got[id]
			if !there {
				t.Errorf("%s %s is missing", table, id)
			}
			for name, v := range row {
				if there && !equalValues(mine[name], v) {
					t.Errorf("%s %s %s: got %.200v (%T), want %.200v", table, id, name, mine[name], mine[name], v)
				}
				delete(mine, name)
			}
			for name, v := range mine {
				if v != nil {
					t.Errorf("%s %s %s: got %v, want nothing", table, id, name, v)
				}
			}
			delete(got, id)
		}
		for id := range got {
			t.Errorf("%s %s is too much", table, id)
		}
	}
}

func readRows(t testing.TB, c *conn, table string) map[string]map[string]any {
	t.Helper()
	rows, err := c.QueryContext(t.Context(), "SELECT * FROM "+quoted(table))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for rows.Next() {
		values, at := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			at[i] = &values[i]
		}
		if err := rows.Scan(at...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, name := range names {
			row[name] = values[i]
		}
		all[row["id"].(string)] = row
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// equalValues compares numbers by their value. NaN, which SQLite does not have, is NULL.
func equalValues(got, want any) bool {
	switch w := want.(type) {
	case nil:
		return got == nil
	case json.Number:
		a, okA := new(big.Float).SetPrec(200).SetString(w.String())
		switch g := got.(type) {
		case int64:
			return okA && a.Cmp(new(big.Float).SetInt64(g)) == 0
		case float64:
			f, _ := w.Float64()
			return f == g
		}
		return false
	case string:
		switch {
		case w == "NaN" && got == nil:
			return true
		case w == "Infinity" && got == math.Inf(1), w == "-Infinity" && got == math.Inf(-1):
			return true
		}
	}
	return got == want
}

// answers looks at HTTP answers: each leads to a reaction, and those that are streams can be followed.
func (r *recording) answers() {
	var calls []struct {
		Note    string
		Request struct{ Method, Path string }
		Status  int
		Body    string
	}
	r.json("http.json", &calls)
	for _, call := range calls {
		if !strings.HasPrefix(call.Request.Path, "/sync/") && call.Status == 200 {
			continue
		}
		got := powersync.Refused(call.Status, []byte(call.Body))
		if want := wantedReaction(call.Status, call.Body); got.Reaction != want || want != powersync.ReactRead && got.Code == "" {
			r.t.Errorf("%s: got %+v, want %s", call.Note, got, want)
		}
		if call.Status == 200 && call.Request.Path == "/sync/stream" {
			r.firstLine(call.Note, call.Body)
		}
	}
}

// wantedReaction is the table of answers.
func wantedReaction(status int, body string) powersync.Reaction {
	has := func(codes ...string) bool {
		return slices.ContainsFunc(codes, func(code string) bool { return strings.Contains(body, code) })
	}
	switch {
	case status == 200:
		return powersync.ReactRead
	case status == 401:
		return powersync.ReactNewToken
	case has("PSYNC_S2305"):
		return powersync.ReactFault
	case status >= 500:
		return powersync.ReactRetry
	}
	return powersync.ReactFault
}

// firstLine gives the first line of a stream to a client that has rows.
func (r *recording) firstLine(note, body string) {
	m := powersync.New(powersync.Config{Buckets: []powersync.Bucket{{Name: "mine", Position: 5, Checksum: 1}}})
	var left powersync.Reason
	for _, i := range m.Line([]byte(body)) {
		if over, is := i.(powersync.Reconnect); is {
			left = over.Reason
		}
	}
	want := powersync.Reason("")
	switch {
	case strings.Contains(body, `"token_expires_in":0`):
		want = powersync.ReasonExpired
	case strings.Contains(body, `"buckets":[]`):
		want = powersync.ReasonNothingListed
	}
	if left != want {
		r.t.Errorf("%s: left because of %q, want %q", note, left, want)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	if from == "" {
		t.Fatal("there is no such connection")
	}
	c, err := open(t.Context(), from, modeRead)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	if err := c.exec(t.Context(), "VACUUM INTO ?", to); err != nil {
		t.Fatal(err)
	}
}
