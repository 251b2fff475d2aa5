package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

const (
	// keepFor is how long a connection stays open that nobody uses. Opening one parses the whole schema, all triggers
	// included, and closing the last one of a file copies its log back: both cost more than most of what is done in between.
	keepFor = 2 * time.Second
	// keepMost is how many do: what goes up and what comes down work side by side.
	keepMost = 2
	// keepStatements bounds what a kept connection remembers.
	keepStatements = 200
)

// spare holds connections to the live file between one use and the next. Its zero value holds none.
type spare struct {
	mu    sync.Mutex
	idle  []spareConn // the one used last is last
	timer *time.Timer
}

type spareConn struct {
	*conn
	files [3]fs.FileInfo // the file, its log and the index of that, as they were
	since time.Time
}

// withOpen is withLive for what is done often and leaves a connection as it found it: the connection may be one that was
// used before, and stays open for the next use for a while.
func (f *File) withOpen(ctx context.Context, op string, work func(*conn) error) error {
	leave, err := f.gate.enter(ctx)
	if err != nil {
		return classify(op, f.path, err)
	}
	defer leave()
	c := f.spare.take(f.path)
	if c == nil {
		c, err = f.openLive(ctx, modeWrite)
	} else if err = c.usual(ctx); err != nil {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return classify(op, f.path, err)
	}
	if err = work(c); err == nil && f.spare.put(f.path, c) {
		return nil
	}
	return classify(op, f.path, errors.Join(err, c.Close()))
}

// Rest closes the connections that are open only because they may be used again soon. Whoever is about to end calls it, or
// nobody copies the log back into the file.
func (f *File) Rest() { f.spare.drop(f.path) }

// take returns a connection to what is at path now, or nil. Others may have moved or removed the files meanwhile: then SQLite
// still has the old ones open.
func (s *spare) take(path string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.idle) > 0 {
		last := len(s.idle) - 1
		c := s.idle[last]
		s.idle = s.idle[:last]
		if c.at(path) {
			return c.conn
		}
		c.abandon()
	}
	return nil
}

// put keeps a connection, if that is of use; else the caller closes it.
func (s *spare) put(path string, c *conn) bool {
	if c.large || len(c.stmts) > keepStatements || c.busy() {
		return false
	}
	files, whole := filesAt(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !whole || len(s.idle) == keepMost {
		return false
	}
	s.idle = append(s.idle, spareConn{c, files, time.Now()})
	if s.timer == nil {
		s.timer = time.AfterFunc(keepFor, func() { s.expire(path) })
	} else if len(s.idle) == 1 {
		s.timer.Reset(keepFor)
	}
	return true
}

// expire closes what was not used for long enough.
func (s *spare) expire(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.idle) > 0 {
		if rest := keepFor - time.Since(s.idle[0].since); rest > 0 {
			s.timer.Reset(rest)
			return
		}
		s.idle[0].end(path)
		s.idle = s.idle[1:]
	}
}

// drop closes all. The caller has shut the gate, or a connection in use is kept a moment later.
func (s *spare) drop(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.idle {
		c.end(path)
	}
	s.idle = nil
}

func (c spareConn) end(path string) {
	if c.at(path) {
		_ = c.Close() // all it did is committed
		return
	}
	c.abandon()
}

// abandon closes a connection whose files are not in their place any more. Its log must not be copied into a file that others
// have gone on with.
func (c spareConn) abandon() {
	if r, err := c.throughC(""); err == nil {
		args := libc.NewVaList(int32(1), uintptr(0))
		lib.Xsqlite3_db_config(r.tls, r.db, lib.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, args)
		libc.Xfree(r.tls, args)
	}
	_ = c.Close()
}

// at tells whether the files of the connection are those at path.
func (c spareConn) at(path string) bool {
	now, whole := filesAt(path)
	if !whole {
		return false
	}
	for i := range now {
		if !os.SameFile(now[i], c.files[i]) {
			return false
		}
	}
	return true
}

// filesAt is what a file in WAL mode that is open consists of. Nothing is opened for it.
func filesAt(path string) (files [3]fs.FileInfo, whole bool) {
	for i, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Lstat(path + suffix)
		if err != nil {
			return files, false
		}
		files[i] = info
	}
	return files, true
}

// busy tells whether a transaction is open, such as that of rows which were not read to the end. Not to know is to be busy.
func (c *conn) busy() bool {
	r, err := c.throughC("")
	return err != nil || lib.Xsqlite3_txn_state(r.tls, r.db, 0) != lib.SQLITE_TXN_NONE
}
