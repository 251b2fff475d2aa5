//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/sqlite"
)

// firstSyncs measures both clients from an empty database to all rows, in turns: without a full-text search, and with one.
// The official client fills its index as rows are written; ours when nobody writes, so that with a search the CPU time and
// the memory up to the filled index count, and not how long it took.
func (s *comparison) firstSyncs() {
	s.account(s.rows)
	progress(&s.f, "a first sync that does not count")
	warm := s.official(false)
	warm.begin()
	file, table := warm.table("messages")
	s.watched("until", file, table, s.rows)
	warm.quit()
	for round := range s.rounds {
		for _, search := range []bool{false, true} {
			for i := range 2 {
				if (i+round)%2 == 0 {
					s.firstSync("ours", s.ours(), search)
				} else {
					s.firstSync("stock", s.official(search), search)
				}
			}
		}
	}
}

func (s *comparison) firstSync(who string, c client, search bool) {
	progress(&s.f, "a first sync of %s, search: %v", who, search)
	began := c.begin()
	file, table := c.table("messages")
	n := s.watched("beside", file, table, s.rows)
	u, with := c.usage(), ""
	if search {
		with = " with search"
		if who == "ours" {
			s.watched("until", file, "_coditect_search_docs", s.rows)
			u = c.usage()
		}
	} else {
		s.f.add("first sync", who, n.At-float64(began.UnixNano())/1e9)
		s.f.add("wait p99", who, percentile(n.Waits, 99))
		s.f.add("wait max", who, percentile(n.Waits, 100))
	}
	s.f.add("first sync CPU"+with, who, u.cpu.Seconds())
	s.f.add("first sync memory"+with, who, mib(u.peak))
	s.f.add("first sync disk"+with, who, mib(c.quit()))
}

// percentile of a sorted list.
func percentile(list []float64, p int) float64 {
	if len(list) == 0 {
		return 0
	}
	return list[min(len(list)-1, len(list)*p/100)]
}

// latencies measures how long an edit on one machine takes to be readable in the file of another one.
func (s *comparison) latencies() {
	s.account(1000)
	const id = "edited" // no message: what was said is not changed any more
	s.sql("INSERT INTO app.decisions (tenant_id, id, user_id, decision) SELECT tenant_id, $2, id, 'before' FROM app.users WHERE email = $1", s.mira.Email, id)
	a, b := s.ours(), s.ours()
	s.latency("ours", id, a, b)
	s.latency("stock", id, s.official(false), s.official(false))
}

func (s *comparison) latency(who, id string, a, b client) {
	const edits = 200
	progress(&s.f, "%d edits with %s", edits, who)
	for _, c := range []client{a, b} {
		c.begin()
		file, table := c.table("messages")
		s.watched("until", file, table, 1000)
		file, table = c.table("decisions")
		s.watched("until", file, table, 1)
	}
	file, _ := b.table("messages")
	writer, reader := a.writer(), s.python("seen", file)
	var took []float64
	for n := range edits + 20 { // the first ones find the two still busy with their first sync
		text := fmt.Sprintf("%s %d", who, n)
		reader.tell(b.seen(id, text))
		began := time.Now()
		writer.tell("UPDATE decisions SET decision = ? WHERE id = ?", text, id)
		writer.answered()
		reader.answered()
		if n >= 20 {
			took = append(took, ms(time.Since(began)))
		}
		time.Sleep(time.Duration(150+rand.IntN(150)) * time.Millisecond) // people are not in step with machines
	}
	slices.Sort(took)
	s.f.add("latency p50", who, percentile(took, 50))
	s.f.add("latency p99", who, percentile(took, 99))
	if who == "ours" {
		writer.ends()
	}
	reader.ends()
	a.quit()
	b.quit()
}

// pushes measures rows that were written while our program was not running, until PostgreSQL has them, against a COPY of
// the same rows there; and what the program holds meanwhile, against an empty queue.
func (s *comparison) pushes() {
	s.account(1)
	c := s.ours()
	c.begin()
	s.watched("until", c.file(), "messages", 1)
	c.quit()
	_, empty := s.pushed(c, 1, "a")
	took, full := s.pushed(c, s.rows, "b")
	s.f.add("push", "ours", took.Seconds())
	s.f.add("push", "stock", s.copied("b").Seconds())
	if s.waiting != s.rows {
		_, full = s.pushed(c, s.waiting, "c")
	}
	s.f.add("waiting memory", "ours", mib(full.peak))
	s.f.add("waiting memory", "stock", mib(empty.peak))
	s.f.add("push CPU", "ours", full.cpu.Seconds())
}

// pushed has rows written and then sent. The time is that between the first request and
// the last row.
func (s *comparison) pushed(c *ourClient, rows int, prefix string) (time.Duration, usage) {
	progress(&s.f, "%d rows that wait", rows)
	s.other("fill", c.file(), strconv.Itoa(rows), prefix)
	c.start()
	there := func(i int) func() bool {
		return func() (found bool) {
			s.one(&found, "SELECT EXISTS (SELECT FROM app.messages WHERE tenant_id = 'lumen' AND id = $1)", fmt.Sprintf("%s%08d", prefix, i))
			return found
		}
	}
	s.until("the first rows", func() (found bool) { // of many, which are one group, the server keeps parts until it has the last one
		s.one(&found, "SELECT EXISTS (SELECT FROM app.staged)")
		return found || there(0)()
	})
	began := time.Now()
	s.until("the last row", there(rows-1))
	took := time.Since(began)
	s.until("an empty queue", func() bool {
		st, err := c.api().Status(s.b.Context())
		return err == nil && st.Cloud != nil && st.Cloud.PendingUploads == 0
	})
	u := c.usage()
	c.quit()
	return took, u
}

// copied is how long a COPY of these rows takes into a table of the same shape.
func (s *comparison) copied(prefix string) time.Duration {
	const columns = "tenant_id, id, user_id, created_at, updated_at, session_id, hash, role, content, source_type, occurred_at, hlc"
	rows, err := s.db.Query(s.b.Context(), "SELECT "+columns+" FROM app.messages WHERE id LIKE '"+prefix+"________'")
	if err != nil {
		s.b.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
	if err != nil || len(values) != s.rows {
		s.b.Fatal(len(values), err)
	}
	s.sql("CREATE TABLE public.copied (LIKE app.messages INCLUDING ALL)")
	began := time.Now()
	if _, err := s.db.CopyFrom(s.b.Context(), pgx.Identifier{"public", "copied"}, strings.Split(columns, ", "), pgx.CopyFromRows(values)); err != nil {
		s.b.Fatal(err)
	}
	return time.Since(began)
}

// captures measures what another program's statements cost in a file whose changes are recorded, against the same file
// without: CPU time of that program.
func (s *comparison) captures() {
	progress(&s.f, "what recording costs")
	const rows = 20_000
	statements := []struct{ what, sql string }{
		{"insert", "INSERT INTO messages (id, content, hash, role, session_id, source_type, occurred_at, user_id) VALUES (?1, ?2, ?3, 'user', ?3, 'jsonl', '2026-11-27T07:00:00.000Z', 'u')"},
		{"update", "UPDATE messages SET role = ?2, occurred_at = ?3 WHERE id = ?1"},
		{"delete", "DELETE FROM messages WHERE id = ?1 AND (?2 IS NOT NULL OR ?3 IS NOT NULL)"},
	}
	for range s.rounds + 1 {
		for _, each := range []int{1000, 1} {
			for _, who := range []string{"stock", "ours"} {
				path := s.memory(who == "ours")
				for _, statement := range statements {
					out := s.other("cost", path, strconv.Itoa(rows/min(1000/each, 5)), strconv.Itoa(each), statement.sql)
					us, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
					if err != nil {
						s.b.Fatal(err)
					}
					s.f.add(fmt.Sprintf("%s, %d a transaction", statement.what, each), who, us)
				}
			}
		}
	}
}

// memory is an empty context memory, recorded or not.
func (s *comparison) memory(recorded bool) string {
	path := filepath.Join(s.b.TempDir(), "context.db")
	file, err := sqlite.New(sqlite.Config{Path: path})
	if err == nil {
		err = file.Create(s.b.Context())
	}
	if err == nil && recorded {
		err = file.Enrol(s.b.Context(), app.Enrolment{Server: "https://cloud.example", User: "u", Machine: "m"}, nil)
	}
	if err != nil {
		s.b.Fatal(err)
	}
	return path
}

var clientGoals = []goal{
	{what: "first sync", label: "first sync, all rows readable", unit: "s", ratio: 0.5, than: "official"},
	{what: "first sync CPU", label: "CPU of that", unit: "s", ratio: 0.3, than: "official"},
	{what: "first sync memory", label: "most memory (RSS) of that", unit: "MiB", ratio: 0.3, than: "official"},
	{what: "first sync disk", label: "disk afterwards", unit: "MiB", ratio: 0.35, than: "official"},
	{what: "wait p99", label: "another program's write meanwhile, p99", unit: "ms"},
	{what: "wait max", label: "another program's write meanwhile, longest", unit: "ms", most: 50},
	{what: "first sync CPU with search", label: "CPU with a full-text index on both, until it is filled (ours proves the rows too)", unit: "s", ratio: 0.3, than: "official"},
	{what: "first sync memory with search", label: "most memory (RSS) of that", unit: "MiB", ratio: 0.3, than: "official"},
	{what: "first sync disk with search", label: "disk afterwards", unit: "MiB", ratio: 0.35, than: "official"},
	{what: "latency p50", label: "edit on one machine, readable on another, median", unit: "ms", ratio: 1, than: "official"},
	{what: "latency p99", label: "the same, p99", unit: "ms", ratio: 1, than: "official"},
	{what: "push", label: "waiting rows, from the first request until PostgreSQL has the last one", unit: "s", ratio: 3.3, than: "COPY"},
	{what: "push CPU", label: "CPU of our program for the longest queue", unit: "s"},
	{what: "waiting memory", label: "most memory (RSS) with the longest queue", unit: "MiB", ratio: 1.5, than: "one row"},
	{what: "insert, 1000 a transaction", label: "recorded insert, 1,000 a transaction", unit: "µs", ratio: 1.5, than: "not recorded"},
	{what: "update, 1000 a transaction", label: "recorded update of two columns", unit: "µs", ratio: 1.5, than: "not recorded"},
	{what: "delete, 1000 a transaction", label: "recorded delete", unit: "µs", ratio: 1.5, than: "not recorded"},
	{what: "insert, 1 a transaction", label: "recorded insert, 1 a transaction", unit: "µs", ratio: 1.5, than: "not recorded"},
	{what: "update, 1 a transaction", label: "recorded update of two columns", unit: "µs", ratio: 1.5, than: "not recorded"},
	{what: "delete, 1 a transaction", label: "recorded delete", unit: "µs", ratio: 1.5, than: "not recorded"},
}

func (s *comparison) report() string {
	return fmt.Sprintf("%d rows, %d rounds, %d rows in the longest queue. “stock” is the official client, or what the goal says. ",
		s.rows, s.rounds, s.waiting) + s.f.table(clientGoals)
}
