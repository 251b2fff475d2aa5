package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the server of this process. A test binary has no other place to keep what all its tests use.
var shared struct {
	sync.Mutex
	server *Server
}

// Main runs the tests, and ends the server if one of them needed it. It does not return.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for a package whose tests need more than that: it returns the exit status.
func Run(m interface{ Run() int }) (status int) {
	status = m.Run()
	if s := shared.server; s != nil {
		if err := s.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest: stop:", err)
		}
		if err := s.remove(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest: remove:", err)
		}
	}
	return status
}

// DB is a migrated database.
type DB struct {
	Name   string
	server *Server
}

// New returns a new database in the server of this process.
func New(t testing.TB) *DB {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		// Only a crash of the whole machine could tell the difference.
		s, err := start(context.Background(), "fsync=off", "full_page_writes=off")
		if err != nil {
			t.Fatal(err)
		}
		shared.server = s
	}
	return shared.server.New(t)
}

// Start returns a server of the test's own, that ends with it. Settings are NAME=VALUE.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := start(t.Context(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// New returns a new database in s, dropped with the test.
func (s *Server) New(t testing.TB) *DB {
	t.Helper()
	db := &DB{Name: fmt.Sprintf("test%d", s.count.Add(1)), server: s}
	if err := s.exec(t.Context(), "CREATE DATABASE "+db.Name+" TEMPLATE template OWNER app_owner"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.exec(context.Background(), "DROP DATABASE "+db.Name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return db
}

// KillAndRun ends the server as a crash would, and starts it again on the same data. Connections break.
func (s *Server) KillAndRun(t testing.TB) {
	t.Helper()
	if err := s.kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.run(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// DSN is the address of the database for a role: app_api, powersync, app_migrator, or postgres, the superuser, whom
// nothing hides from.
func (db *DB) DSN(role string) string { return db.server.dsn(role, db.Name) }

// Connect returns a connection of a role, closed with the test.
func (db *DB) Connect(t testing.TB, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DSN(role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Exec runs statements as the superuser.
func (db *DB) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
