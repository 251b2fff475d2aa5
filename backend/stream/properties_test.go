package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
)

const (
	tenant = "00000000-0000-0000-0000-0000000000aa"
	ada    = "00000000-0000-0000-0000-0000000000a1"
	bob    = "00000000-0000-0000-0000-0000000000b2"
)

// office is a site with a writer and a server.
func office(t testing.TB, change ...func(*oplog.Config)) (*site, string) {
	s := recorded(t, pgtest.New(t))
	s.write(t, change...)
	url, _ := s.serve(t)
	return s, url
}

func add(t testing.TB, conn *pgx.Conn, user string, contents ...string) {
	t.Helper()
	execute(t, conn, "INSERT INTO messages (id, tenant_id, user_id, content) SELECT gen_random_uuid(), $1, $2, unnest($3::text[])", tenant, user, contents)
}

// stored are the contents of a person's messages in the source, sorted.
func stored(t testing.TB, conn *pgx.Conn, user string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT coalesce(content, '<nil>') FROM messages WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// reaches syncs until the replica has what the source has.
func (r *replica) reaches(c *connection, want []string) {
	r.t.Helper()
	if slices.Equal(r.contents("messages", "content"), want) {
		return
	}
	r.sync(c, func() bool { return slices.Equal(r.contents("messages", "content"), want) })
}

// (a) Changes are streamed whoever makes them, and however.
func TestPlainSQLIsStreamed(t *testing.T) {
	s, url := office(t)
	conn := s.source(t)
	c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
	for _, sql := range []string{
		"INSERT INTO messages (id, tenant_id, user_id, content) SELECT gen_random_uuid(), '" + tenant + "', '" + ada + "', 'm' || g FROM generate_series(1, 2500) g",
		"UPDATE messages SET content = content || '!' WHERE content LIKE 'm1%'",
		"DELETE FROM messages WHERE content LIKE 'm2%'",
		"UPDATE messages SET user_id = '" + bob + "' WHERE content LIKE 'm3%'",
		"UPDATE messages SET id = gen_random_uuid() WHERE content LIKE 'm4%'",
		"BEGIN; DELETE FROM messages; ROLLBACK; BEGIN; SAVEPOINT a; DELETE FROM messages; ROLLBACK TO a; UPDATE messages SET content = 'x' WHERE content = 'm5'; COMMIT",
		"MERGE INTO messages USING (VALUES ('m6')) v (c) ON content = c WHEN MATCHED THEN UPDATE SET content = 'merged'",
		"TRUNCATE messages",
		"INSERT INTO messages (id, tenant_id, user_id, content) VALUES (gen_random_uuid(), '" + tenant + "', '" + ada + "', 'after')",
	} {
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		r.reaches(c, stored(t, conn, ada))
	}
}

// Values that PostgreSQL keeps out of line are not in the record of a change; the row goes through the state of being in
// nobody's bucket too.
func TestValuesOutOfLineSurvive(t *testing.T) {
	for _, identity := range []string{"DEFAULT", "FULL"} {
		t.Run(identity, func(t *testing.T) {
			s := recorded(t, pgtest.New(t))
			conn := s.source(t)
			execute(t, conn, "ALTER TABLE messages REPLICA IDENTITY "+identity)
			long := "(SELECT string_agg(md5(g::text), '') FROM generate_series(1, 1000) g)"
			execute(t, conn, "INSERT INTO messages (id, tenant_id, user_id, content) SELECT gen_random_uuid(), '"+tenant+"', NULL, "+long)
			s.write(t)
			url, _ := s.serve(t)
			c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
			for _, sql := range []string{
				"UPDATE messages SET user_id = '" + ada + "'",
				"UPDATE messages SET role = 'r'",
				"UPDATE messages SET tenant_id = NULL",
				"UPDATE messages SET role = 's'",
				"UPDATE messages SET tenant_id = '" + tenant + "', id = gen_random_uuid()",
			} {
				execute(t, conn, sql)
				r.reaches(c, stored(t, conn, ada))
			}
			if got := r.contents("messages", "role"); !slices.Equal(got, []string{"s"}) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// (b) Numbers follow the order of the commits: who has read up to one misses nothing that is committed later, and an open
// transaction delays nobody.
func TestAnOpenTransactionDelaysNobodyAndIsNotMissed(t *testing.T) {
	s, url := office(t)
	conn, slow := s.source(t), s.source(t)
	execute(t, slow, "BEGIN")
	add(t, slow, ada, "open")
	c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
	var want []string
	for end := time.Now().Add(heldOpen); time.Now().Before(end); {
		want = append(want, fmt.Sprintf("m%06d", len(want)))
		add(t, conn, ada, want[len(want)-1])
		r.reaches(c, want)
	}
	before := number(r.lastOp)
	execute(t, slow, "COMMIT")
	r.reaches(c, stored(t, conn, ada))
	for id, row := range r.bucketOf("mine_messages").rows {
		if row.op > int64(before) != (columns(row.document)["content"] == "open") {
			t.Errorf("row %v has the number %d, read up to %d before the commit", id, row.op, before)
		}
	}
	if len(want) < 20 {
		t.Errorf("only %d commits beside the open one", len(want))
	}
}

func (r *replica) bucketOf(stream string) *replicaBucket {
	for name, b := range r.buckets {
		if plain(name)[:len(stream)+1] == stream+"[" {
			return b
		}
	}
	return &replicaBucket{}
}

func columns(document string) (all map[string]any) {
	_ = json.Unmarshal([]byte(document), &all)
	return all
}

// traffic writes from several connections, with short and longer transactions, until stop is called. It leaves alone what
// begins with "mark", which a test looks for.
func traffic(t testing.TB, s *site, users ...string) (stop func()) {
	var ended atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		conn := s.source(t)
		random := rand.New(rand.NewPCG(1, uint64(i)))
		wg.Go(func() {
			for n := 0; !ended.Load(); n++ {
				err := pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error {
					return work(tx, random, users[random.IntN(len(users))], fmt.Sprintf("%d.%d", i, n))
				})
				if err != nil && !conn.IsClosed() {
					t.Error(err)
				}
			}
		})
	}
	stop = func() { ended.Store(true); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

func work(tx pgx.Tx, random *rand.Rand, user, name string) error {
	ctx := context.Background()
	for range 1 + random.IntN(3) {
		sql, arg := "INSERT INTO messages (id, tenant_id, user_id, content) VALUES (gen_random_uuid(), $1, $2, $3)", name
		switch random.IntN(4) {
		case 0:
			sql = "UPDATE messages SET content = $3 WHERE id = (SELECT id FROM messages WHERE tenant_id = $1 AND user_id = $2 AND content NOT LIKE 'mark%' LIMIT 1 FOR UPDATE SKIP LOCKED)"
		case 1:
			sql = "DELETE FROM messages WHERE tenant_id = $1 AND user_id = $2 AND $3 <> '' AND id = (SELECT id FROM messages WHERE user_id = $2 AND content NOT LIKE 'mark%' LIMIT 1 FOR UPDATE SKIP LOCKED)"
		}
		if _, err := tx.Exec(ctx, sql, tenant, user, arg); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "SELECT pg_sleep($1)", float64(random.IntN(10))/1000)
	return err
}

// (c) A write checkpoint is told in a line that covers every commit before its request, on a stream that is idle but for
// it, and on one with traffic beside it.
func TestAWriteCheckpointCoversWhatWasCommittedBefore(t *testing.T) {
	s, url := office(t)
	conn := s.source(t)
	c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
	ask := func(i int) {
		mark := fmt.Sprintf("mark%d", i)
		add(t, conn, ada, mark)
		value := requested(t, url, "c")
		r.sync(c, func() bool { return number(r.reached) >= value })
		if !slices.Contains(r.contents("messages", "content"), mark) {
			t.Fatalf("write checkpoint %d without %s", value, mark)
		}
	}
	for i := range 20 {
		ask(i)
	}
	for range 5 { // nothing else happens
		value := requested(t, url, "c")
		r.sync(c, func() bool { return number(r.reached) >= value })
	}
	stop := traffic(t, s, ada, bob)
	for i := range 30 {
		ask(100 + i)
	}
	stop()
}

func requested(t testing.TB, url, client string) int {
	t.Helper()
	var answer struct {
		Data struct {
			Value string `json:"write_checkpoint"`
		}
	}
	text := get(t, url+"/write-checkpoint2.json?client_id="+client, person(tenant, ada))
	if err := json.Unmarshal([]byte(text[4:]), &answer); err != nil || text[:3] != "200" {
		t.Fatal(text)
	}
	return number(answer.Data.Value)
}

// A client may choose the number itself: it comes in a line, a stale one is answered by the newest, whatever was lost on the
// way may be asked again, and the older way goes on counting from it.
func TestAClientChoosesItsCheckpoint(t *testing.T) {
	s, url := office(t)
	conn := s.source(t)
	c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
	ask := func(value string) string {
		t.Helper()
		response, done := post(t, url+"/sync/checkpoint-request", person(tenant, ada), `{"client_id":"c","checkpoint_request_id":"`+value+`"}`)
		defer done()
		var answer struct {
			Data struct {
				Value string `json:"checkpoint_request_id"`
			}
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v", response.StatusCode, err)
		}
		return answer.Data.Value
	}
	add(t, conn, ada, "before")
	if got := ask("1000"); got != "1000" {
		t.Errorf("asked for 1000, got %s", got)
	}
	r.sync(c, func() bool { return number(r.reached) >= 1000 })
	if !slices.Contains(r.contents("messages", "content"), "before") {
		t.Error("reached without what was committed before")
	}
	for _, stale := range []string{"3", "1000"} {
		if got := ask(stale); got != "1000" {
			t.Errorf("asked for %s again, got %s", stale, got)
		}
	}
	value := requested(t, url, "c")
	if value <= 1000 {
		t.Errorf("the older way went on with %d", value)
	}
	r.sync(c, func() bool { return number(r.reached) >= value })
}

// A write checkpoint outlives the writer, and belongs to one person and client.
func TestAWriteCheckpointIsDurable(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	stop := s.write(t)
	url, _ := s.serve(t)
	conn := s.source(t)
	stop()
	add(t, conn, ada, "while nobody writes the log")
	value := requested(t, url, "c")
	s.write(t)
	c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
	for r.reached == "" {
		r.apply(c.until("checkpoint_complete")...)
	}
	if number(r.reached) != value || len(r.contents("messages", "content")) != 1 {
		t.Errorf("reached %s with %q", r.reached, r.contents("messages", "content"))
	}
	for _, other := range []struct{ token, client string }{{person(tenant, ada), "d"}, {person(tenant, bob), "c"}} {
		c, r := connect(t, url, other.token, request(other.client, nil)), newReplica(t)
		r.apply(c.until("checkpoint_complete")...)
		if r.reached != "" {
			t.Errorf("client %s got %s", other.client, r.reached)
		}
	}
}

// (d) Any number of processes serve one database, and one of them writes: when that one goes, another goes on.
func TestTwoServersOnOneDatabase(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	stops := []func(){s.write(t), s.write(t)}
	first, _ := s.serve(t)
	second, _ := s.serve(t)
	conn := s.source(t)
	users := []string{ada, bob}
	var replicas []*replica
	var streams []*connection
	for i, url := range []string{first, second, first, second} {
		streams = append(streams, connect(t, url, person(tenant, users[i/2]), request("c", nil)))
		replicas = append(replicas, newReplica(t))
	}
	stop := traffic(t, s, users...)
	for range rounds {
		value := requested(t, second, "c")
		replicas[0].sync(streams[0], func() bool { return number(replicas[0].reached) >= value })
		stops[0]()
		stops = append(stops[1:], s.write(t))
	}
	stop()
	for i, r := range replicas {
		r.reaches(streams[i], stored(t, conn, users[i/2]))
	}
}

// (e) Compaction frees what is void, and clients go on from any position they ever had.
func TestCompactionKeepsEveryPosition(t *testing.T) {
	s, url := office(t, func(c *oplog.Config) { c.CompactEvery, c.RewriteAfter = 10*time.Millisecond, 50 })
	conn := s.source(t)
	add(t, conn, ada, "untouched, so that the bucket begins with a live operation")
	c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
	r.apply(c.until("checkpoint_complete")...)
	old := []*replica{newReplica(t)}
	random := rand.New(rand.NewPCG(7, 7))
	for i := range 300 {
		switch {
		case i%3 == 0:
			add(t, conn, ada, "m"+strconv.Itoa(i))
		case random.IntN(4) == 0:
			execute(t, conn, "DELETE FROM messages WHERE id = (SELECT id FROM messages WHERE content LIKE 'm%' ORDER BY random() LIMIT 1)")
		default:
			execute(t, conn, "UPDATE messages SET content = 'm' || random() WHERE id = (SELECT id FROM messages WHERE content LIKE 'm%' ORDER BY random() LIMIT 1)")
		}
		r.reaches(c, stored(t, conn, ada))
		if i%10 == 0 {
			old = append(old, r.clone())
		}
	}
	waitFor(t, func() error { return compacted(t, conn) })
	consistent(t, conn)
	kinds := map[string]int{}
	for _, o := range old {
		again := connect(t, url, person(tenant, ada), request("c", o.positions()))
		o.got = map[string]int{}
		o.reaches(again, stored(t, conn, ada))
		for kind, n := range o.got {
			kinds[kind] += n
		}
		again.close()
	}
	if kinds["CLEAR"] == 0 || kinds["MOVE"] == 0 || kinds["REMOVE"] == 0 || kinds["PUT"] == 0 {
		t.Errorf("not every operation was seen: %v", kinds)
	}
}

func compacted(t testing.TB, conn *pgx.Conn) error {
	var live, dead int64
	err := conn.QueryRow(t.Context(), "SELECT sum(live), sum(dead) FROM sync_log.buckets").Scan(&live, &dead)
	if err == nil && dead > live+50 {
		err = fmt.Errorf("%d live and %d void operations", live, dead)
	}
	return err
}

// Readers of a checkpoint that is compacted away under them go on to a newer one; the sums hold all the time.
func TestReadersBesideHotRows(t *testing.T) {
	s, url := office(t, func(c *oplog.Config) { c.CompactEvery, c.RewriteAfter = 5*time.Millisecond, 20 })
	conn := s.source(t)
	execute(t, conn, "INSERT INTO messages (id, tenant_id, user_id, content) SELECT gen_random_uuid(), $1, $2, 'm' || g || repeat('x', 2000) FROM generate_series(1, 5000) g", tenant, ada)
	stop := traffic(t, s, ada)
	for range 5 {
		c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
		for range 5 {
			r.apply(c.until("checkpoint_complete")...)
		}
		c.close()
	}
	c, r := connect(t, url, person(tenant, ada), request("c", nil)), newReplica(t)
	stop()
	r.reaches(c, stored(t, conn, ada))
}

// What the log takes on disk stays below twice what the source takes, also after many updates.
func TestStorageIsBounded(t *testing.T) {
	s, url := office(t, func(c *oplog.Config) { c.CompactEvery, c.RewriteAfter = 20*time.Millisecond, 1000 })
	conn := s.source(t)
	execute(t, conn, `INSERT INTO messages (id, tenant_id, user_id, visibility, created_at, content, role, hash)
		SELECT gen_random_uuid(), $1, $2, 'private', now(), repeat(md5(g::text), 8), 'user', md5(g::text) FROM generate_series(1, 10000) g`, tenant, ada)
	for range 6 {
		execute(t, conn, "UPDATE messages SET content = reverse(content) WHERE abs(hashtext(id::text)) % 2 = 0")
		execute(t, conn, "VACUUM messages")
		settle(t, conn, url)
	}
	waitFor(t, func() error { return compacted(t, conn) })
	execute(t, conn, "VACUUM FULL messages")
	execute(t, conn, "VACUUM FULL sync_log.ops")
	var source, log int64
	err := conn.QueryRow(t.Context(), "SELECT pg_total_relation_size('messages'), pg_total_relation_size('sync_log.ops')").Scan(&source, &log)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("source %d kB, log %d kB: %.2f times", source>>10, log>>10, float64(log)/float64(source))
	if log > 2*source {
		t.Errorf("the log takes %d bytes for %d of the source", log, source)
	}
}

// (f) Whoever ends and starts again, streams resume, and nothing is lost or doubled.
func TestRestarts(t *testing.T) {
	server := pgtest.Start(t)
	s := recorded(t, server.New(t))
	conn := s.source(t)
	stopWriter := s.write(t)
	url, stopServer := s.serve(t)
	r := newReplica(t)
	for round := range rounds {
		stop := traffic(t, s, ada)
		c := connect(t, url, person(tenant, ada), request("c", r.positions()))
		for range 5 {
			r.apply(c.until("checkpoint_complete")...)
		}
		stopWriter()
		stopWriter = s.write(t)
		r.apply(c.until("checkpoint_complete")...)
		stopServer()
		url, stopServer = s.serve(t)
		stop()
		if round%2 == 0 {
			server.KillAndRun(t)
			conn = s.source(t)
		}
		c = reconnect(t, url, person(tenant, ada), request("c", r.positions()))
		r.reaches(c, stored(t, conn, ada))
		c.close()
	}
}

// What a reader reads belongs to one moment, whatever is committed meanwhile.
func TestAReaderSeesOneMoment(t *testing.T) {
	s, url := office(t)
	conn := s.source(t)
	add(t, conn, ada, "before")
	settle(t, conn, url)
	store, err := oplog.Open(t.Context(), s.db.DSN(s.role), 2, s.rules)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	name := `mine_messages["` + tenant + `","` + ada + `"]`
	err = store.Read(t.Context(), oplog.Ask{Since: 0, Subject: "settle", Client: "settle"}, func(r *oplog.Reader) error {
		if r.Reached != "1" || !r.Told || r.Changed[name].Count != 1 {
			t.Errorf("got %q, %t, %v", r.Reached, r.Told, r.Changed)
		}
		add(t, conn, ada, "meanwhile")
		settle(t, conn, url)
		states, err := r.Buckets(t.Context(), []string{name})
		if err != nil || states[name] != r.Changed[name] {
			t.Errorf("first %v, then %v, %v", r.Changed, states, err)
		}
		part, err := r.Ops(t.Context(), states[name].ID, 0, 1<<62)
		if len(part.Ops) != 1 {
			t.Errorf("%d operations", len(part.Ops))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Who reads up to a number at which a bucket is no longer stored is told so; the sums alone would not tell.
func TestAnOldNumberIsBroken(t *testing.T) {
	s, url := office(t)
	conn := s.source(t)
	add(t, conn, ada, "a", "b")
	settle(t, conn, url)
	store, err := oplog.Open(t.Context(), s.db.DSN(s.role), 2, s.rules)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	name := `mine_messages["` + tenant + `","` + ada + `"]`
	look := func() (bucket int, head int64) {
		err := store.Read(t.Context(), oplog.Ask{Since: -1}, func(r *oplog.Reader) error {
			states, err := r.Buckets(t.Context(), []string{name})
			bucket, head = states[name].ID, r.LastOp
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return bucket, head
	}
	bucket, old := look()
	execute(t, conn, "UPDATE messages SET content = 'c' WHERE content = 'a'")
	settle(t, conn, url)
	_, head := look()
	for upTo, broken := range map[int64]bool{old: true, head: false} {
		if part, err := store.Ops(t.Context(), bucket, 0, upTo); err != nil || part.Broken != broken {
			t.Errorf("up to %d of %d: broken %t, %v", upTo, head, part.Broken, err)
		}
	}
}

// A writer that ends before it could tell PostgreSQL how far it is goes on where it was, without doing anything twice.
func TestARestartOfTheWriterDoublesNothing(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	conn := s.source(t)
	stop := s.write(t)
	url, _ := s.serve(t)
	for i := range 30 {
		add(t, conn, ada, strconv.Itoa(i))
		settle(t, conn, url)
		if i%3 == 0 {
			stop()
			stop = s.write(t)
		}
	}
	var count int
	if err := conn.QueryRow(t.Context(), "SELECT sum(count) FROM sync_log.buckets").Scan(&count); err != nil || count != 30 {
		t.Errorf("%d operations for 30 rows (%v)", count, err)
	}
}
