package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/app/sqlite"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

var _ File = (*sqlite.File)(nil)
var _ Tokens = (*login.Session)(nil)

// patience is how long anything may take on a machine that does much else.
const patience = 5 * time.Minute

// desk is a machine of somebody: a home, a file, a sign-in, and an engine that can be started and stopped.
type desk struct {
	t       testing.TB
	cloud   *cloudtest.Cloud
	name    string
	home    string
	session *login.Session
	file    *sqlite.File
	db      *apptest.DB
	user    string
	edit    func(*Config)
	plain   *Config // in the place of the usual one

	mu     sync.Mutex
	last   app.Report
	log    journal
	engine *Engine
	stop   context.CancelFunc
	done   chan error
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *journal) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *journal) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// somebody is a new person.
func somebody(t testing.TB, c *cloudtest.Cloud, email string) cloudtest.Person {
	t.Helper()
	return cloudtest.Person{Email: email, Password: c.Add(t, "lumen", email)}
}

// newDesk is a machine of a person, signed in, with an empty context memory.
func newDesk(t testing.TB, c *cloudtest.Cloud, p cloudtest.Person, name string) *desk {
	t.Helper()
	d := &desk{t: t, cloud: c, name: name, home: t.TempDir()}
	s, _, err := login.New(login.Config{Home: d.home, Machine: name, MachineName: name, NoKeychain: true, Logger: d.logger()})
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Begin(t.Context(), c.URL)
	if err != nil {
		t.Fatal(err)
	}
	page, err := p.SignIn(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	<-a.Done()
	if err := a.Err(); err != nil {
		t.Fatalf("%v: %s", err, page)
	}
	d.session, d.user = s, s.Info().User
	path := filepath.Join(d.home, "context.db")
	if d.file, err = sqlite.New(sqlite.Config{Path: path, Logger: d.logger()}); err != nil {
		t.Fatal(err)
	}
	if err := d.file.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.db = apptest.OpenDB(t, path)
	return d
}

func (d *desk) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})).With("desk", d.name)
}

func (d *desk) config() Config {
	if d.plain != nil {
		return *d.plain
	}
	c := Config{Server: d.cloud.URL, User: d.user, Machine: d.name, File: d.file, Tokens: d.session, Logger: d.logger(),
		pace: pace{proofTry: time.Hour, firstWait: time.Hour}}
	if d.edit != nil {
		d.edit(&c)
	}
	return c
}

// starts runs an engine until the test ends or stops is called.
func (d *desk) starts() *desk {
	d.t.Helper()
	e, err := New(d.config())
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- e.Run(ctx, func(r app.Report) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.last = r
		})
	}()
	d.engine, d.stop, d.done = e, stop, done
	d.t.Cleanup(d.stops)
	return d
}

func (d *desk) stops() {
	d.t.Helper()
	if d.engine == nil {
		return
	}
	d.stop()
	select {
	case err := <-d.done:
		if err != nil {
			d.t.Errorf("%s ended with %v", d.name, err)
		}
	case <-time.After(patience):
		d.t.Errorf("%s does not end", d.name)
	}
	d.engine = nil
	if d.t.Failed() {
		d.t.Logf("%s\n%s", d.name, tail(d.log.String()))
	}
}

func tail(s string) string {
	if len(s) > 6000 {
		s = "…" + s[len(s)-6000:]
	}
	return s
}

// report is the newest one.
func (d *desk) report() app.Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// sees waits until a query of the file has this answer.
func (d *desk) sees(sql, want string) {
	d.t.Helper()
	var got string
	var err error
	d.waits(patience, func() error {
		if got, err = d.db.TryExec(sql); err != nil || got != want {
			return fmt.Errorf("%s: %q has %q, want %q (%w)", d.name, sql, got, want, err)
		}
		return nil
	})
}

// waits until met returns nil.
func (d *desk) waits(most time.Duration, met func() error) time.Duration {
	d.t.Helper()
	began := time.Now()
	for {
		err := met()
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > most {
			d.t.Fatalf("%v\n%+v\n%s", err, d.report().Progress, tail(d.log.String()))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// proves wants a proof that holds.
func (d *desk) proves() app.Proof {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := d.engine.Prove(ctx)
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", d.name, err, tail(d.log.String()))
	}
	if !p.Equal {
		d.t.Fatalf("%s: %+v\n%s", d.name, p, tail(d.log.String()))
	}
	return p
}

// sum is the row hash of all tables.
func (d *desk) sum() string {
	d.t.Helper()
	tables, err := d.file.HashMemory(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	return fmt.Sprint(tables)
}

// same waits until all have the same rows, and the cloud too.
func same(t testing.TB, desks ...*desk) {
	t.Helper()
	for _, d := range desks {
		d.proves()
	}
	desks[0].waits(patience, func() error {
		for _, d := range desks[1:] {
			if a, b := desks[0].sum(), d.sum(); a != b {
				return fmt.Errorf("%s has %s, %s %s", desks[0].name, a, d.name, b)
			}
		}
		return nil
	})
}

// nothingLost wants nothing in lost & found.
func nothingLost(t testing.TB, desks ...*desk) {
	t.Helper()
	for _, d := range desks {
		items, err := d.file.Lost(context.Background())
		if err != nil {
			t.Error(err)
		}
		for _, i := range items {
			t.Errorf("%s: %s of %s %s is lost: %s %s", d.name, i.Kind, i.Table, i.Row, i.Why, i.Mine)
		}
	}
}

func superuser(t testing.TB, c *cloudtest.Cloud) *pgx.Conn { return c.DB.Connect(t, "postgres") }
