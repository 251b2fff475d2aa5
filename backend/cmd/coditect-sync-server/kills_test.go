package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

// asServer in the environment makes the test binary the program, whose verb is serve.
const asServer = "CODITECT_TEST_SERVE"

// process runs the server as a process of its own and returns how to kill it.
func (c *cloud) process(t *testing.T) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append([]string{asServer + "=1", "PATH=" + os.Getenv("PATH")}, c.environ...)
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill = func() { once.Do(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) }
	t.Cleanup(func() {
		kill()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return kill
}

// TestKilledUnderLoad kills the server and PostgreSQL in turn, ten times each, while machines push over HTTP and others read
// the stream. Each request is sent until it is answered, each stream opened again where it was. In the end every acknowledged
// group is there once (the counter that each of them patches would show a second time), nothing lost a conflict or was
// rejected, and the readers have what PostgreSQL has, without having been told anything twice.
func TestKilledUnderLoad(t *testing.T) {
	database := pgtest.Start(t)
	c := cloudOn(t, database.New(t))
	c.environ = append(c.environ, prefix+"TOKEN_LIFE=15m")
	c.does(t, 0, "tenant", "add", "lumen")
	c.doesWith(t, 0, "a password of hers\n", "user", "add", "mira@lumen.works", "--tenant", "lumen", "--password-stdin")
	kill := c.process(t)
	c.answers(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var pushers [3]pusher
	var readers [2]follower
	var pushing, reading sync.WaitGroup
	for i := range pushers {
		machine := fmt.Sprint("machine", i)
		token := c.signIn(t, "mira@lumen.works", "a password of hers", machine)["access_token"].(string)
		pushers[i] = pusher{url: c.url, token: token, machine: machine}
		pushing.Go(func() { pushers[i].run(ctx, t) })
		if i < len(readers) {
			readers[i] = follower{url: c.url, token: token, client: machine, positions: map[string]string{}, rows: map[string]map[string]string{}}
			reading.Go(func() { readers[i].run(ctx, t) })
		}
	}
	grow := func() {
		for i := range pushers {
			before := pushers[i].acknowledged.Load()
			eventually(t, "an answer", func() bool { return pushers[i].acknowledged.Load() > before+2 })
		}
		for i := range readers {
			before := readers[i].completed.Load()
			eventually(t, "a checkpoint", func() bool { return readers[i].completed.Load() > before })
		}
	}
	for range 10 {
		grow()
		kill()
		kill = c.process(t)
		grow()
		database.KillAndRun(t)
	}
	grow()
	for i := range pushers {
		pushers[i].ending.Store(true)
	}
	pushing.Wait()
	c.wantEverything(t, pushers[:], readers[:])
	stop()
	reading.Wait()
}

// answers waits until the server does.
func (c *cloud) answers(t *testing.T) {
	t.Helper()
	eventually(t, "the server", func() bool {
		response, err := http.Get(c.url + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	for limit := time.Now().Add(3 * time.Minute); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s never came", what)
		}
	}
}

// wantEverything compares PostgreSQL with what was acknowledged, and the readers with PostgreSQL.
func (c *cloud) wantEverything(t *testing.T, pushers []pusher, readers []follower) {
	t.Helper()
	conn := c.db.Connect(t, "postgres")
	value := func(sql string, args ...any) (text string) {
		if err := conn.QueryRow(t.Context(), "SELECT ("+sql+")::text", args...).Scan(&text); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return text
	}
	for i := range pushers {
		n := pushers[i].acknowledged.Load()
		if got := value("SELECT count(*) FROM app.sessions WHERE title = $1", pushers[i].machine); got != fmt.Sprint(10*n) {
			t.Errorf("%s rows of %d groups of 10", got, n)
		}
		if got := value("SELECT success_count FROM app.error_solutions WHERE id = $1", pushers[i].machine); got != fmt.Sprint(n) {
			t.Errorf("counted to %s in %d groups", got, n)
		}
	}
	if got := value("SELECT (SELECT count(*) FROM app.lost) || ' ' || (SELECT count(*) FROM app.rejected)"); got != "0 0" {
		t.Errorf("lost and rejected: %s", got)
	}
	want := value(`SELECT string_agg(r, ' ' ORDER BY r COLLATE "C") FROM (SELECT 'sessions/' || id AS r FROM app.sessions
		UNION ALL SELECT 'error_solutions/' || id || '=' || success_count FROM app.error_solutions) x`)
	for i := range readers {
		eventually(t, "the rest of the stream", func() bool { return readers[i].contents() == want })
	}
}

// pusher is a machine that pushes group after group, each until it is answered.
type pusher struct {
	url, token, machine string
	acknowledged        atomic.Int64
	ending              atomic.Bool
}

func (p *pusher) run(ctx context.Context, t *testing.T) {
	for n := 1; !p.ending.Load() && ctx.Err() == nil; n++ {
		op, old := "put", "{}"
		if n > 1 {
			op, old = "patch", fmt.Sprintf(`{"success_count":%d}`, n-1)
		}
		changes := fmt.Sprintf(`{"table":"error_solutions","op":%q,"id":%q,"data":{"success_count":%d},"old":%s}`, op, p.machine, n, old)
		for i := range 10 {
			changes += fmt.Sprintf(`,{"table":"sessions","op":"put","id":"%s-%d-%d","data":{"title":%q}}`, p.machine, n, i, p.machine)
		}
		body := fmt.Sprintf(`{"machine_id":%q,"client_id":%[1]q,"schema_version":1,"groups":[{"group":%d,"changes":[%s]}]}`, p.machine, n, changes)
		for !p.send(ctx, t, body) {
			if ctx.Err() != nil {
				return
			}
			time.Sleep(20 * time.Millisecond) // a client's patience with a server that is away; nothing waits for it
		}
		p.acknowledged.Add(1)
	}
}

// send reports whether the group is in effect.
func (p *pusher) send(ctx context.Context, t *testing.T, body string) bool {
	r, err := http.NewRequestWithContext(ctx, "POST", p.url+"/v1/push", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return false
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var answer struct {
		Results []struct{ Status string }
	}
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&answer) != nil {
		if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusServiceUnavailable && response.StatusCode != http.StatusTooManyRequests {
			t.Errorf("a push was answered with %s", response.Status)
		}
		return false
	}
	if status := answer.Results[0].Status; status != "applied" && status != "duplicate" {
		t.Errorf("a group was %s", status)
	}
	return true
}

// follower reads a stream and keeps its rows per bucket.
type follower struct {
	url, token, client string
	completed          atomic.Int64
	mu                 sync.Mutex
	positions          map[string]string
	rows               map[string]map[string]string
}

func (f *follower) run(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		f.connect(ctx, t)
		time.Sleep(20 * time.Millisecond) // as pusher.run
	}
}

// connect follows the stream until it breaks.
func (f *follower) connect(ctx context.Context, t *testing.T) {
	r, err := http.NewRequestWithContext(ctx, "POST", f.url+"/sync/stream", bytes.NewReader(f.request()))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Token "+f.token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a stream was answered with %s", response.Status)
	}
	if response.StatusCode != http.StatusOK {
		return
	}
	in := bufio.NewScanner(response.Body)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var l followedLine
		if json.Unmarshal(in.Bytes(), &l) == nil { // a line that was cut is the last
			f.apply(t, &l)
		}
	}
}

func (f *follower) request() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	type position struct {
		Name  string `json:"name"`
		After string `json:"after"`
	}
	positions := []position{}
	for name, after := range f.positions {
		positions = append(positions, position{name, after})
	}
	body, _ := json.Marshal(map[string]any{"buckets": positions, "include_checksum": true, "raw_data": true, "client_id": f.client})
	return body
}

type followedLine struct {
	Checkpoint *struct{ Buckets []struct{ Bucket string } }
	Diff       *struct {
		Removed []string `json:"removed_buckets"`
	} `json:"checkpoint_diff"`
	Data *struct {
		Bucket string
		After  string
		Next   string `json:"next_after"`
		Data   []struct {
			ID   string `json:"op_id"`
			Op   string
			Type string `json:"object_type"`
			Row  string `json:"object_id"`
			Data string
		}
	}
	Complete *struct{} `json:"checkpoint_complete"`
}

func (f *follower) apply(t *testing.T, l *followedLine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case l.Checkpoint != nil:
		named := map[string]bool{}
		for _, b := range l.Checkpoint.Buckets {
			named[b.Bucket] = true
		}
		for bucket := range f.rows {
			if !named[bucket] {
				f.drop(bucket)
			}
		}
	case l.Diff != nil:
		for _, bucket := range l.Diff.Removed {
			f.drop(bucket)
		}
	case l.Data != nil:
		f.data(t, l)
	case l.Complete != nil:
		f.completed.Add(1)
	}
}

func (f *follower) drop(bucket string) {
	delete(f.rows, bucket)
	delete(f.positions, bucket)
}

func (f *follower) data(t *testing.T, l *followedLine) {
	d := l.Data
	if f.rows[d.Bucket] == nil {
		f.rows[d.Bucket] = map[string]string{}
	}
	after, _ := strconv.ParseInt(f.positions[d.Bucket], 10, 64)
	for _, op := range d.Data {
		id, err := strconv.ParseInt(op.ID, 10, 64)
		if err != nil || id <= after {
			t.Errorf("operation %s comes after %d", op.ID, after)
		}
		after = id
		switch op.Op {
		case "PUT":
			f.rows[d.Bucket][op.Type+"/"+op.Row] = op.Data
		case "REMOVE":
			delete(f.rows[d.Bucket], op.Type+"/"+op.Row)
		case "CLEAR":
			clear(f.rows[d.Bucket])
		}
	}
	f.positions[d.Bucket] = d.Next
}

// contents are the rows, in the words of wantEverything.
func (f *follower) contents() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, rows := range f.rows {
		for key, data := range rows {
			var row struct {
				Count int64 `json:"success_count"`
			}
			if strings.HasPrefix(key, "error_solutions/") && json.Unmarshal([]byte(data), &row) == nil {
				key += fmt.Sprint("=", row.Count)
			}
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
