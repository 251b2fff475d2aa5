package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// Enrol begins to record every change of the context memory for an account's cloud, and files each row that was there
// before once. It may be called again: it goes on where it was, whatever interrupted it, and does nothing when all is
// done. Write locks are short, other programs go on writing. progress, which may be nil, is called after each slice, in
// rows. It returns when all rows are filed.
//
// The error is CodeRefused when a table has another shape than the context memory's (it names it and nothing is
// changed), or when the file is enrolled for another account.
func (f *File) Enrol(ctx context.Context, e app.Enrolment, progress func(done, total int64)) error {
	if err := f.upToDate(ctx); err != nil {
		return err
	}
	if err := f.writing(ctx, "enrol", func(c *conn) error { return f.enrol(ctx, c, e) }); err != nil {
		return err
	}
	return f.fileAll(ctx, progress)
}

// upToDate brings an older context memory up to date, and nothing else.
func (f *File) upToDate(ctx context.Context) error {
	if there, err := f.Exists(); err != nil || !there {
		return errors.Join(err, classify("enrol", f.path, fs.ErrNotExist))
	}
	var id identity
	err := f.withLive(ctx, "enrol", modeRead, func(c *conn) (err error) {
		id, err = f.readIdentity(ctx, c)
		return err
	})
	if err == nil && id.contextMemory() && id.version != len(migrations) {
		err = f.Create(ctx)
	}
	return err
}

// enrol sets everything up, in one transaction.
func (f *File) enrol(ctx context.Context, c *conn, e app.Enrolment) error {
	if e.Server == "" || e.User == "" || e.Machine == "" {
		return app.Errorf(app.CodeInvalid, "enrol", "An enrolment needs a server, a user and a machine.")
	}
	tables, err := c.allCapturable(ctx)
	if err != nil {
		return err
	}
	if err := c.makeBookkeeping(ctx); err != nil {
		return err
	}
	on, err := c.sameAccount(ctx, e)
	if err != nil {
		return err
	}
	if on {
		_, err := f.mend(ctx, c)
		return err
	}
	return f.begin(ctx, c, e, tables)
}

func (c *conn) allCapturable(ctx context.Context) ([]captured, error) {
	var list []captured
	for _, t := range schema.Tables() {
		ct, err := c.capturable(ctx, t)
		if err != nil {
			return nil, err
		}
		list = append(list, ct)
	}
	return list, nil
}

func (c *conn) makeBookkeeping(ctx context.Context) error {
	for _, statement := range upDDL() {
		if err := c.exec(ctx, statement); err != nil {
			return err
		}
	}
	return c.exec(ctx, "INSERT INTO "+upCapture+" (applying, skew, clock) SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM "+upCapture+")")
}

// sameAccount tells whether the file is enrolled already, and refuses when it belongs to somebody else.
func (c *conn) sameAccount(ctx context.Context, e app.Enrolment) (on bool, err error) {
	before, err := c.enrolment(ctx)
	if err != nil {
		return false, err
	}
	if before.User != "" && (before.Server != e.Server || before.User != e.User) {
		return false, app.Errorf(app.CodeRefused, "enrol", "The file belongs to another account, of %s.", before.Server).
			WithHint("Sign in to that one, or use another file.").Typed("Sign in to that one, or use another file with `coditect-sync setup --db`.")
	}
	on, err = c.enrolled(ctx)
	if on && before.Machine != e.Machine {
		err = errors.Join(err, c.setState(ctx, keyMachine, e.Machine))
	}
	return on, err
}

func (c *conn) enrolment(ctx context.Context) (e app.Enrolment, err error) {
	for key, v := range map[string]*string{keyServer: &e.Server, keyUser: &e.User, keyMachine: &e.Machine} {
		if *v, err = c.state(ctx, key); err != nil {
			return e, err
		}
	}
	return e, nil
}

// begin switches capture on and notes that every table is to be filed.
func (f *File) begin(ctx context.Context, c *conn, e app.Enrolment, tables []captured) error {
	var total int64
	for _, t := range tables {
		n, err := count(ctx, c, t.Name)
		if err != nil {
			return err
		}
		total += n
		t.filing = true
		if err := errors.Join(c.setFiling(ctx, filing{table: t.Name}), c.install(ctx, t)); err != nil {
			return err
		}
	}
	for key, v := range map[string]any{keyServer: e.Server, keyUser: e.User, keyMachine: e.Machine, keyEnrolled: "1", keyTotal: total, keyFiled: 0} {
		if err := c.setState(ctx, key, v); err != nil {
			return err
		}
	}
	return f.mintClient(ctx, c)
}

// install makes a table's triggers what they should be.
func (c *conn) install(ctx context.Context, t captured) error {
	if err := c.uninstall(ctx, t.Table); err != nil {
		return err
	}
	for _, trigger := range t.triggers() {
		if err := c.exec(ctx, trigger.ddl); err != nil {
			return err
		}
	}
	return nil
}

// captureTriggers lists our triggers of a table, wherever a renaming has put them.
func (c *conn) captureTriggers(ctx context.Context, table string) ([]string, error) {
	return texts(ctx, c, "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name GLOB ?", "_coditect_capture_"+table+"_*")
}

func (c *conn) uninstall(ctx context.Context, t schema.Table) error {
	names, err := c.captureTriggers(ctx, t.Name)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.exec(ctx, "DROP TRIGGER "+quoted(name)); err != nil {
			return err
		}
	}
	return nil
}

// Unenrol stops recording, for a person who signs out. What waits stays in the queue, lost & found stays, and so does the
// name of the account: the next Enrol, which only that one may do, sends what waited and files every row again.
func (f *File) Unenrol(ctx context.Context) error {
	return f.writing(ctx, "unenrol", func(c *conn) error {
		if on, err := c.enrolled(ctx); err != nil || !on {
			return err
		}
		for _, t := range schema.Tables() {
			if err := errors.Join(c.uninstall(ctx, t), c.dropState(ctx, keyFile+t.Name)); err != nil {
				return err
			}
		}
		return c.dropState(ctx, keyEnrolled)
	})
}

// Capture says how recording stands. It writes nothing.
func (f *File) Capture(ctx context.Context) (status app.Capture, err error) {
	err = f.reading(ctx, "capture", func(c *conn) error {
		there, err := c.kept(ctx)
		if err != nil || !there {
			return err
		}
		status, err = c.captureStatus(ctx)
		return err
	})
	return status, err
}

func (c *conn) captureStatus(ctx context.Context) (s app.Capture, err error) {
	if s.Enrolment, err = c.enrolment(ctx); err != nil {
		return s, err
	}
	if s.Enrolled, err = c.enrolled(ctx); err != nil {
		return s, err
	}
	if s.ClientID, err = c.state(ctx, keyClient); err != nil {
		return s, err
	}
	if err := c.filingStatus(ctx, &s); err != nil {
		return s, err
	}
	if err := c.waitingStatus(ctx, &s); err != nil || !s.Enrolled {
		return s, err
	}
	s.Problems, err = c.captureProblems(ctx)
	return s, err
}

func (c *conn) filingStatus(ctx context.Context, s *app.Capture) (err error) {
	jobs, err := c.filings(ctx)
	if err != nil {
		return err
	}
	s.Filing = len(jobs) > 0
	if s.FilingTotal, err = c.number(ctx, keyTotal); err != nil {
		return err
	}
	s.Filed, err = c.number(ctx, keyFiled)
	return err
}

// waitingStatus counts. Acknowledged entries that wait to be seen in the stream are not waiting.
func (c *conn) waitingStatus(ctx context.Context, s *app.Capture) error {
	var loose, since, grouped, first int64
	const waiting = " FROM " + upGroups + " WHERE NOT acked"
	err := errors.Join(
		c.one(ctx, "SELECT count(*), ifnull(min(clock), 0) FROM "+upQueue+" WHERE seq > "+sealedSQL, nil, &loose, &since),
		c.one(ctx, "SELECT ifnull(sum(changes), 0), ifnull(min(since), 0)"+waiting, nil, &grouped, &first),
		c.one(ctx, "SELECT count(*) FROM "+upLost, nil, &s.Lost))
	if err != nil {
		return err
	}
	if s.Waiting = loose + grouped; s.Waiting > 0 {
		if first != 0 && (since == 0 || first < since) {
			since = first
		}
		s.Since = clockTime(since)
	}
	return nil
}

// captureProblems are tables that cannot be captured as they are now.
func (c *conn) captureProblems(ctx context.Context) ([]app.Error, error) {
	var list []app.Error
	for _, t := range schema.Tables() {
		_, err := c.capturable(ctx, t)
		if app.CodeOf(err) == app.CodeRefused {
			list = append(list, *app.AsError("capture", err))
		} else if err != nil {
			return nil, fmt.Errorf("read the shape of %s: %w", t.Name, err)
		}
	}
	return list, nil
}
