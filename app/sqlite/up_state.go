package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Keys of the state that only we write. file:TABLE is a filing under way (see filing).
const (
	keyEnrolled = "enrolled" // "1"
	keyServer   = "server"
	keyUser     = "user"
	keyMachine  = "machine"
	keyClient   = "client_id"
	keyHome     = "home"     // where the client id was minted: see home
	keyNext     = "next"     // the number of the next group
	keyAnswered = "answered" // the last group that the server answered
	keySealed   = "sealed"   // the last entry that is in a group
	keyTarget   = "target_checkpoint"
	keySeen     = "seen_checkpoint"  // the newest write checkpoint that the stream has come to
	keyShown    = "shown_checkpoint" // the newest one whose whole checkpoint is shown
	keyTotal    = "filing_total"
	keyFiled    = "filed"
	keyFile     = "file:"
	keyGone     = "gone:" // of a table: rows of it that are gone without a trace are to be looked for
)

// sealedSQL is the last entry that is in a group.
const sealedSQL = "ifnull((SELECT value FROM " + upState + " WHERE key = '" + keySealed + "'), 0)"

// state is the value of a key, "" if there is none.
func (c *conn) state(ctx context.Context, key string) (value string, err error) {
	err = c.one(ctx, "SELECT CAST(value AS TEXT) FROM "+upState+" WHERE key = ?", []any{key}, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// number is the value of a key as a number, 0 if there is none.
func (c *conn) number(ctx context.Context, key string) (int64, error) {
	text, err := c.state(ctx, key)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

func (c *conn) setState(ctx context.Context, key string, value any) error {
	return c.exec(ctx, "INSERT INTO "+upState+" (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

func (c *conn) dropState(ctx context.Context, key string) error {
	return c.exec(ctx, "DELETE FROM "+upState+" WHERE key = ?", key)
}

// enrolled tells whether the file is enrolled. A file without bookkeeping is not.
func (c *conn) enrolled(ctx context.Context) (bool, error) {
	there, err := c.kept(ctx)
	if err != nil || !there {
		return false, err
	}
	v, err := c.state(ctx, keyEnrolled)
	return v == "1", err
}

// kept tells whether the file has the bookkeeping of cloud mode.
func (c *conn) kept(ctx context.Context) (there bool, err error) {
	err = c.one(ctx, "SELECT count(*) = 5 FROM sqlite_schema WHERE type = 'table' AND name IN (?, ?, ?, ?, ?)",
		[]any{upQueue, upCapture, upState, upGroups, upLost}, &there)
	return there, err
}

// writing runs work in one write transaction of the live file, all or nothing.
func (f *File) writing(ctx context.Context, op string, work func(*conn) error) error {
	return f.withLive(ctx, op, modeWrite, func(c *conn) error { return f.transact(ctx, c, work) })
}

func (f *File) transact(ctx context.Context, c *conn, work func(*conn) error) error {
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	before, err := c.version(ctx)
	if err == nil {
		err = work(c)
	}
	if err == nil {
		f.step("commit")
		err = f.commit(ctx, c, before)
	}
	if err != nil {
		return errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	f.step("committed")
	return nil
}

// reading runs work in one read transaction of the live file.
func (f *File) reading(ctx context.Context, op string, work func(*conn) error) error {
	return f.withLive(ctx, op, modeRead, func(c *conn) error {
		if err := c.beginRead(ctx); err != nil {
			return err
		}
		return work(c) // closing the connection ends the transaction
	})
}

// mintClient gives the file a new client id. What was not answered is numbered and sent anew under it.
func (f *File) mintClient(ctx context.Context, c *conn) error {
	machine, err := c.state(ctx, keyMachine)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	err = errors.Join(c.setState(ctx, keyClient, id.String()), c.setState(ctx, keyHome, f.home(machine)),
		c.setState(ctx, keyAnswered, 0), c.setState(ctx, keyNext, 1))
	if err != nil {
		return err
	}
	// What was acknowledged was promised to another client: a write checkpoint has to be asked for again.
	return errors.Join(c.exec(ctx, "UPDATE "+upGroups+" SET target = NULL"), c.dropState(ctx, keyTarget), c.renumber(ctx))
}

// noteClock keeps the newest clock of the queue before entries go, or older ones come: the next must be later.
func (c *conn) noteClock(ctx context.Context) error {
	return c.exec(ctx, "UPDATE "+upCapture+" SET clock = max(clock, ifnull((SELECT clock FROM "+upQueue+" ORDER BY seq DESC LIMIT 1), 0))")
}

// clockTime is the moment of a clock.
func clockTime(clock int64) time.Time { return time.UnixMilli(clock >> 16).UTC() }
