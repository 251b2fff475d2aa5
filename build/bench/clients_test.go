//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

func TestMain(m *testing.M) { os.Exit(cloudtest.Run(m)) }

// BenchmarkClients holds our program against the official client, both on our server, in one run (make bench-client), and
// what goes up against what it would cost without us. BENCH_ROWS is how many rows an account has (100,000), BENCH_ROUNDS how
// often a first sync is repeated (2), BENCH_WAITING how many rows wait in the largest queue (as many as BENCH_ROWS).
// BENCH_ONLY leaves out all parts but one: sync, latency, push, capture.
func BenchmarkClients(b *testing.B) {
	for range b.N {
		if b.N > 1 {
			b.Fatal("run it with -benchtime 1x")
		}
		s := &comparison{b: b, rows: fromEnvironment(b, "BENCH_ROWS", 100_000), rounds: fromEnvironment(b, "BENCH_ROUNDS", 2)}
		s.waiting = fromEnvironment(b, "BENCH_WAITING", s.rows)
		if out, err := exec.Command("make", "-C", "../..", "build").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		s.program = filepath.Join("..", "bin", "coditect-sync")
		only := os.Getenv("BENCH_ONLY")
		for _, part := range []struct {
			name string
			run  func(*comparison)
		}{{"sync", (*comparison).firstSyncs}, {"latency", (*comparison).latencies}, {"push", (*comparison).pushes}, {"capture", (*comparison).captures}} {
			if only == "" || only == part.name {
				part.run(s)
			}
		}
		if err := s.f.save(os.Stdout, "../tmp", "bench-client", s.report()); err != nil {
			b.Fatal(err)
		}
	}
}

// comparison is a run of the benchmark.
type comparison struct {
	b                     *testing.B
	f                     figures
	rows, rounds, waiting int
	program               string

	cloud *cloudtest.Cloud
	db    *pgx.Conn
	mira  cloudtest.Person
	// people is how many accounts there are.
	people int
}

func fromEnvironment(b *testing.B, name string, usual int) int {
	if text := os.Getenv(name); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			b.Fatalf("%s is %q, which is no number of rows", name, text)
		}
		return n
	}
	return usual
}

// account makes a cloud with the durability of production, and in it a person with so many rows.
func (s *comparison) account(rows int) {
	s.b.Helper()
	if s.cloud == nil {
		s.cloud = cloudtest.On(s.b, pgtest.Start(s.b).New(s.b), "TOKEN_LIFE=15m")
		s.db = s.cloud.DB.Connect(s.b, "postgres")
	}
	s.people++
	email := fmt.Sprintf("person%d@lumen.works", s.people)
	s.mira = cloudtest.Person{Email: email, Password: s.cloud.Add(s.b, "lumen", email)}
	progress(&s.f, "an account of %d rows", rows)
	s.sql(`INSERT INTO app.messages (tenant_id, id, user_id, content, role, hash, session_id, source_type)
		SELECT u.tenant_id, gen_random_uuid(), u.id, (SELECT string_agg('w' || ('x' || left(md5(g || '-' || w), 8))::bit(32)::bigint % 5000, ' ') FROM generate_series(1, 20) w), 'user', md5(g::text) || md5(g::text), md5((g / 100)::text), 'chat'
		FROM generate_series(1, $2::int) g, app.users u WHERE u.email = $1`, email, rows)
	var upTo string
	s.one(&upTo, "SELECT pg_current_wal_lsn()::text")
	s.until("the rows in the stream's log", func() (there bool) {
		s.one(&there, "SELECT coalesce(bool_and(confirmed_flush_lsn >= $1::pg_lsn), false) FROM pg_replication_slots WHERE database = current_database()", upTo)
		return there
	})
	s.sql("VACUUM ANALYZE app.messages")
}

func (s *comparison) sql(sql string, args ...any) {
	s.b.Helper()
	if _, err := s.db.Exec(s.b.Context(), sql, args...); err != nil {
		s.b.Fatal(err)
	}
}

func (s *comparison) one(into any, sql string, args ...any) {
	s.b.Helper()
	if err := s.db.QueryRow(s.b.Context(), sql, args...).Scan(into); err != nil {
		s.b.Fatal(err)
	}
}

// until waits for a condition. The hour only ends what hangs.
func (s *comparison) until(what string, met func() bool) {
	s.b.Helper()
	for deadline := time.Now().Add(time.Hour); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.b.Fatalf("gave up waiting for %s", what)
		}
	}
}

// client is one of the two, a process with an empty database.
type client interface {
	// begin lets it sync, and returns when it was told to.
	begin() time.Time
	// usage is what the process used since it was started.
	usage() usage
	// table is the file and the table in it that hold a synced table; seen is a query that has a row when a decision has
	// a text.
	table(name string) (file, table string)
	seen(id, text string) string
	// writer is something that takes lines [SQL, ARGUMENT…] and answers when it is committed.
	writer() *lines
	// quit ends it, and returns how many bytes its files have.
	quit() int64
}

// lines is a process that answers each line with one.
type lines struct {
	b    *testing.B
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	form func(args []any) any // how it wants its lines
}

func startLines(b *testing.B, cmd *exec.Cmd, form func([]any) any) *lines {
	b.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return &lines{b, cmd, in, bufio.NewScanner(out), form}
}

func (l *lines) tell(args ...any) {
	l.b.Helper()
	text, err := json.Marshal(l.form(args))
	if err == nil {
		_, err = l.in.Write(append(text, '\n'))
	}
	if err != nil {
		l.b.Fatal(err)
	}
}

func (l *lines) answered() {
	l.b.Helper()
	for l.out.Scan() {
		var answer struct{ Error string }
		if err := json.Unmarshal(l.out.Bytes(), &answer); err != nil {
			l.b.Logf("%s", l.out.Bytes())
			continue
		}
		if answer.Error != "" {
			l.b.Fatal(answer.Error)
		}
		return
	}
	l.b.Fatalf("%q has ended: %v", l.cmd.Args, l.out.Err())
}

func (l *lines) ends() {
	_ = l.in.Close()
	_ = l.cmd.Wait()
}

func (s *comparison) python(verb, file string) *lines {
	cmd := exec.Command("python3", "testdata/other.py", verb, file)
	return startLines(s.b, cmd, func(args []any) any { return args })
}

// other runs another program in a client's database and returns what it printed.
func (s *comparison) other(args ...string) []byte {
	s.b.Helper()
	cmd := exec.CommandContext(s.b.Context(), "python3", append([]string{"testdata/other.py"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		s.b.Fatal(args, err)
	}
	return out
}

// noticed is what another program noticed.
type noticed struct {
	At    float64   `json:"at"`
	Waits []float64 `json:"waits_ms"`
}

// watched waits until a table has all rows, with another program writing beside it or just looking.
func (s *comparison) watched(verb, file, table string, rows int) noticed {
	s.b.Helper()
	var n noticed
	if err := json.Unmarshal(s.other(verb, file, table, strconv.Itoa(rows)), &n); err != nil {
		s.b.Fatal(err)
	}
	slices.Sort(n.Waits)
	return n
}

// folderBytes is what a client keeps of its database.
func folderBytes(dir, prefix string) (sum int64) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(strings.TrimPrefix(path, dir), prefix) {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}
