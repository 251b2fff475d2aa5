package stream

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
)

// asServer in the environment makes the test binary a server process, for the database that it names. With asProduct it has
// the product's rules, else those of the recordings.
const (
	asServer  = "STREAM_TEST_SERVER"
	asProduct = "STREAM_TEST_PRODUCT"
)

func TestMain(m *testing.M) {
	if slot, database, ok := strings.Cut(os.Getenv(asServer), " "); ok {
		if err := serveProcess(slot, database); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

// serveProcess is a server as it is in production: a writer, a tail and the handlers. It prints where it listens.
func serveProcess(slot, database string) error {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	c := oplog.Config{Database: database, Publication: "recorded", Slot: slot, Rules: recordedRules(),
		Log: log, Retry: 50 * time.Millisecond, CompactEvery: 50 * time.Millisecond}
	if os.Getenv(asProduct) != "" {
		c.Schema, c.Publication, c.Rules, c.CompactEvery = Schema, Publication, Memory(), 0
	}
	writer, err := oplog.NewWriter(c)
	if err != nil {
		return err
	}
	server, err := New(ctx, Config{Database: database, Rules: c.Rules, Verifier: openDoor{}, Log: log})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = writer.Run(ctx) }()
	go func() { _ = server.Run(ctx) }()
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, server.Handler())
}

// process starts a server process and returns where it listens, and how to kill it.
func (s *site) process(t *testing.T) (url string, kill func()) {
	t.Helper()
	url, _, kill = s.start(t)
	return url, kill
}

func (s *site) start(t testing.TB, environ ...string) (url string, pid int, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(append(os.Environ(), environ...), asServer+"=slot_"+s.db.Name+" "+s.db.DSN(s.role)), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill = func() { once.Do(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) }
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid, kill
}

// catchUp connects as often as it takes until the replica has what is wanted.
func (r *replica) catchUp(url func() string, claims string, want func() []string) {
	r.t.Helper()
	waitFor(r.t, func() error {
		c := reconnect(r.t, url(), claims, request("c", r.positions()))
		defer c.close()
		defer time.AfterFunc(patience/2, c.close).Stop()
		for l := range c.lines {
			r.apply(l)
			if l.kind == "checkpoint_complete" && slices.Equal(r.contents("messages", "content"), want()) {
				return nil
			}
		}
		return fmt.Errorf("%d rows", len(r.rows()))
	})
}

// (d) and (f): two server processes on one database are killed in turn, PostgreSQL too, while others write. A client that
// goes from one to the other, whichever lives, loses and doubles nothing, and every sum holds on the way.
func TestKills(t *testing.T) {
	database := pgtest.Start(t)
	s := recorded(t, database.New(t))
	first, killFirst := s.process(t)
	second, killSecond := s.process(t)
	replicas := []*replica{newReplica(t), newReplica(t)}
	for round := range 2 * rounds {
		conn := s.source(t)
		stop := traffic(t, s, ada)
		for i, r := range replicas {
			c := reconnect(t, []string{first, second}[i], person(tenant, ada), request("c", r.positions()))
			for range 3 {
				r.apply(c.until("checkpoint_complete")...)
			}
			c.close()
		}
		switch round % 3 {
		case 0:
			killFirst()
			first, killFirst = s.process(t)
		case 1:
			killSecond()
			second, killSecond = s.process(t)
		default:
			database.KillAndRun(t)
			conn = s.source(t)
		}
		stop()
		want := stored(t, conn, ada)
		replicas[0], replicas[1] = replicas[1], replicas[0] // go to the other server
		for i, r := range replicas {
			r.catchUp(func() string { return []string{first, second}[i] }, person(tenant, ada), func() []string { return want })
		}
		consistent(t, conn)
	}
}

// consistent compares each bucket's sum and counts with its operations.
func consistent(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	var wrong int
	err := conn.QueryRow(t.Context(), `SELECT count(*) FROM sync_log.buckets b JOIN LATERAL (
		SELECT coalesce(sum(checksum::bigint & 4294967295), 0)::bigint & 4294967295 AS checksum, count(*) FILTER (WHERE kind = 80) AS live,
			count(*) FILTER (WHERE kind <> 80) AS dead, max(op_id) AS last FROM sync_log.ops WHERE bucket = b.id) o ON true
		WHERE (b.checksum, b.live, b.dead, b.last_op) IS DISTINCT FROM (o.checksum, o.live, o.dead, o.last)`).Scan(&wrong)
	if err != nil || wrong > 0 {
		t.Errorf("%d buckets do not add up (%v)", wrong, err)
	}
}
