package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

// patience is how long a server may take to answer, on a machine that does much else.
const patience = 2 * time.Minute

// Server is a PostgreSQL of this process.
type Server struct {
	dir      string
	settings []string
	count    atomic.Int64

	// Of the run that goes on:
	stdin io.Closer
	done  chan struct{} // closed when it has ended,
	ended error         // like this
}

// start makes a server in a new directory and waits until it answers.
func start(ctx context.Context, settings ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "pg-") // not a test's own directory: PostgreSQL's user could not reach it
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, settings: settings}
	if err := s.run(ctx); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	if err := s.makeTemplate(ctx); err != nil {
		return nil, errors.Join(err, s.stop(), s.remove())
	}
	return s, nil
}

// run starts the script and waits for the server. The script's standard input is a pipe of ours, so that it ends with us.
func (s *Server) run(ctx context.Context) error {
	cmd := exec.Command(script(), append([]string{"run", s.dir}, s.settings...)...) // ended by its standard input
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd.Stderr, cmd.WaitDelay = &said, 10*time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	s.stdin, s.done = stdin, make(chan struct{})
	go func() {
		defer close(s.done)
		s.ended = cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if conn, err := pgx.Connect(ctx, s.dsn("postgres", "postgres")); err == nil {
			return errors.Join(conn.Close(ctx), os.WriteFile(s.marker(), nil, 0o600))
		}
		select {
		case <-s.done:
			return fmt.Errorf("PostgreSQL ended before it answered (%w): %s%s", s.ended, said.String(), s.log())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not answer: %s", s.log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// marker has the script delete the directory, should this process be killed.
func (s *Server) marker() string { return filepath.Join(s.dir, "temporary") }

// stop ends the server, and waits.
func (s *Server) stop() error {
	_ = s.stdin.Close()
	<-s.done
	if s.ended != nil {
		return fmt.Errorf("%w: %s", s.ended, s.log())
	}
	return nil
}

// kill ends the server's main process as a crash would, and waits.
func (s *Server) kill() error {
	text, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Remove(s.marker()), process.Kill()); err != nil {
		return err
	}
	_ = s.stdin.Close() // else what watches it outlives the script, and holds its standard error open
	<-s.done            // the script reports what became of it
	return nil
}

func (s *Server) remove() error {
	return os.RemoveAll(s.dir)
}

func (s *Server) log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text)
}

// dsn is the address of a database for a role.
func (s *Server) dsn(role, database string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s", filepath.Join(s.dir, "socket"), role, database)
}

func (s *Server) makeTemplate(ctx context.Context) error {
	if err := s.exec(ctx, "CREATE DATABASE template"); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.dsn("postgres", "template"))
	if err != nil {
		return err
	}
	if err := errors.Join(postgres.Bootstrap(ctx, conn), conn.Close(ctx)); err != nil {
		return err
	}
	return postgres.Migrate(ctx, s.dsn("app_migrator", "template"))
}

// exec runs a statement in the database postgres, as its superuser.
func (s *Server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.dsn("postgres", "postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// script is build/setup/postgres.sh of the source this was built from.
func script() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "build", "setup", "postgres.sh")
}
