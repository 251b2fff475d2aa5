package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// floor is SQLite 3.51.3: before it, two connections that write and checkpoint at the same instant can damage a file
// in WAL mode.
const floor = 3_051_003

// busyTimeout is how long a statement of ours waits for another program's lock.
const busyTimeout = 5 * time.Second

// usually is how a connection begins.
var usually = fmt.Sprintf("PRAGMA busy_timeout = %d; PRAGMA synchronous = FULL", busyTimeout.Milliseconds())

// Config says which file.
type Config struct {
	Path   string           // absolute
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
	Tables []schema.Table   // what is downloaded into; nil is the context memory
}

// File is the local database. Its methods may be called from several goroutines.
type File struct {
	path   string
	log    *slog.Logger
	now    func() time.Time
	gate   gate
	tables []schema.Table
	down   download
	// checked remembers the image that passed Check last, so that Replace need not read it once more.
	checked checkedImage
	// seenSchema is one more than the schema version of the file when capture was last found whole, and wholeAt when that
	// was (ms since 1970).
	seenSchema, wholeAt atomic.Int64
	// pushing lets one call at a time plan, read or settle what goes up.
	pushing sync.Mutex
	// shown is when rows of a large download were last written (ms since 1970).
	shown atomic.Int64
	// chunk is how much Replace copies between two looks at its ctx, in bytes.
	chunk  int
	stamps stamps
	spare  spare
	// step is called before each step that a crash must not hurt. Tests set it.
	step func(string)
}

var _ app.File = (*File)(nil)

// New returns the file at cfg.Path, which need not exist. The error is CodeFailed when the SQLite library is too old
// to be trusted with other programs' data, CodeInvalid when the path is not absolute.
func New(cfg Config) (*File, error) {
	if err := checkFloor(libraryNumber()); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(cfg.Path) {
		return nil, app.Errorf(app.CodeInvalid, "open", "The path of the file must be absolute, not %q.", cfg.Path).
			WithHint("Give it from the root on.")
	}
	f := &File{path: filepath.Clean(cfg.Path), log: cfg.Logger, now: cfg.Now, chunk: stepBytes, step: func(string) {}}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.now == nil {
		f.now = time.Now
	}
	f.tables = orContextMemory(cfg.Tables)
	f.down.most, f.down.live, f.down.hold = spoolOps, liveOps, downHold
	return f, nil
}

// LibraryVersion is the version of the SQLite library in this program, such as "3.51.3".
func LibraryVersion() string { return lib.SQLITE_VERSION }

func libraryNumber() int {
	tls := libc.NewTLS()
	defer tls.Close()
	return int(lib.Xsqlite3_libversion_number(tls))
}

func checkFloor(number int) error {
	if number >= floor {
		return nil
	}
	return app.Errorf(app.CodeFailed, "open",
		"This program was built with SQLite %d.%d.%d, which can damage files; it needs 3.51.3 or newer.",
		number/1_000_000, number/1000%1000, number%1000).WithHint("Install a newer build of CODITECT Sync.")
}

// Path is the absolute path of the file.
func (f *File) Path() string { return f.path }

// Exists tells whether the file is there. The error is CodeDenied when that cannot be told, CodeInvalid when
// something else than a file is in its place.
func (f *File) Exists() (bool, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, classify("open", f.path, err)
	case !info.Mode().IsRegular():
		return false, app.Errorf(app.CodeInvalid, "open", "%s is not a file.", f.path).WithHint("Choose the database file itself.")
	}
	return true, nil
}

// mode says how SQLite opens a file.
type mode string

const (
	modeRead   mode = "mode=ro"
	modeWrite  mode = "mode=rw"  // never creates
	modeCreate mode = "mode=rwc" // creates
	// modeImage reads a file that nobody writes. No -wal or -shm file appears beside it.
	modeImage mode = "mode=ro&immutable=1"
)

// conn is one connection and nothing else: no pool, no second connection behind the caller's back.
type conn struct {
	*sql.Conn
	db    *sql.DB
	stmts map[string]*sql.Stmt
	large bool // its cache holds more than usual
}

// open opens path. The caller closes the connection; for the live file it is inside the gate.
func open(ctx context.Context, path string, m mode) (*conn, error) {
	db, err := sql.Open("sqlite", uri(path, m))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	conn := &conn{Conn: c, db: db, stmts: map[string]*sql.Stmt{}}
	if err := conn.usual(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// uri names the file for SQLite. The driver splits at the first question mark, which the escaping leaves to us.
func uri(path string, m mode) string {
	slash := filepath.ToSlash(path)
	if !strings.HasPrefix(slash, "/") {
		slash = "/" + slash // C:/…
	}
	return (&url.URL{Scheme: "file", Path: slash, RawQuery: string(m)}).String()
}

// Close closes the connection for good, and ends a transaction that is still open. A statement left open would keep
// SQLite's connection alive, with its locks.
func (c *conn) Close() error {
	var errs []error
	for _, stmt := range c.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, c.Conn.Close(), c.db.Close())...)
}

// usual sets what a use may have changed back to how a connection begins.
func (c *conn) usual(ctx context.Context) error { return c.exec(ctx, usually) }

// enlarge lets the cache hold 6 MB instead of 2 (16 made nothing faster), and leaves it to the caller to copy the log back, which
// a commit does before it returns. The connection is not kept for another use then.
func (c *conn) enlarge(ctx context.Context) error {
	c.large = true
	return c.exec(ctx, "PRAGMA cache_size = -6000; PRAGMA wal_autocheckpoint = 0")
}

func (c *conn) exec(ctx context.Context, query string, args ...any) error {
	if len(args) == 0 {
		_, err := c.ExecContext(ctx, query)
		return err
	}
	stmt, err := c.prepared(ctx, query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx, args...)
	return err
}

// one reads the first row into dst.
func (c *conn) one(ctx context.Context, query string, args []any, dst ...any) error {
	if len(args) == 0 {
		return c.QueryRowContext(ctx, query).Scan(dst...)
	}
	stmt, err := c.prepared(ctx, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(dst...)
}

// prepared keeps a statement with arguments for the life of the connection: such a one is run for each row.
func (c *conn) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := c.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := c.PrepareContext(ctx, query)
	if err == nil {
		c.stmts[query] = stmt
	}
	return stmt, err
}

// withLive runs work with a connection to the live file, inside the gate.
func (f *File) withLive(ctx context.Context, op string, m mode, work func(*conn) error) (err error) {
	leave, err := f.gate.enter(ctx)
	if err != nil {
		return classify(op, f.path, err)
	}
	defer leave()
	c, err := f.openLive(ctx, m)
	if err != nil {
		return classify(op, f.path, err)
	}
	err = work(c)
	return classify(op, f.path, errors.Join(err, c.Close()))
}

// openLive opens the live file; the caller is inside the gate.
func (f *File) openLive(ctx context.Context, m mode) (*conn, error) {
	if m != modeCreate {
		if _, err := os.Stat(f.path); err != nil {
			return nil, err
		}
	}
	return open(ctx, f.path, m)
}

// openLiveRaw opens the live file for reading; the caller is inside the gate.
func (f *File) openLiveRaw(ctx context.Context) (*raw, error) {
	if _, err := os.Stat(f.path); err != nil {
		return nil, err
	}
	return openRaw(ctx, f.path, modeRead)
}

// beginRead opens a read transaction. BEGIN alone opens none: only the first read does.
func (c *conn) beginRead(ctx context.Context) error {
	var n int64
	return errors.Join(c.exec(ctx, "BEGIN"), c.one(ctx, "SELECT count(*) FROM sqlite_schema", nil, &n))
}
