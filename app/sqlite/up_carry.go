package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// What was captured on this machine belongs to the machine and not to the rows that a restore brings back: the queue, lost
// & found and the enrolment of the live file are copied into the image before it replaces the file, so that no other program
// can write between. The image's own, of the moment it was taken at, go: it was sent long ago, or is in the live file's.
// The file takes a new client id, because the server knows more of the old one than the file now does.

// carried are the tables that go with the machine, and their columns.
func carried() map[string]string {
	return map[string]string{
		upQueue:   "seq, tbl, op, id, clock, mask, " + slotList("v%d") + ", " + slotList("o%d"),
		upCapture: "applying, skew, clock",
		upGroups:  groupColumns + ", target",
		upLost:    lostColumns + ", origin",
	}
}

// carriedKeys are the state that goes with the machine. What downloads keep there goes with the rows.
var carriedKeys = []string{keyEnrolled, keyServer, keyUser, keyMachine, keyClient, keyHome, keyNext, keyAnswered, keySealed, keyTotal, keyFiled}

// errMoved tells that something was captured between the copying and the lock.
var errMoved = errors.New("something was captured meanwhile")

// carryAttempts is how often a live restore copies what was captured before it had the lock.
const carryAttempts = 40

// carry makes the bookkeeping of an image what it is in the live file, through a connection to the image. It returns where
// the live file's stood. live may be damaged: then what can be read is all or nothing.
func (f *File) carry(ctx context.Context, live *conn, image string) (stand string, err error) {
	here := false
	if live != nil {
		if here, err = live.kept(ctx); err != nil {
			return "", err
		}
		if stand, err = live.stand(ctx, here); err != nil {
			return "", err
		}
	}
	c, err := open(ctx, image, modeWrite)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	there, err := c.kept(ctx)
	if err != nil || !here && !there {
		return stand, err
	}
	if here {
		if err := c.exec(ctx, "ATTACH ? AS live", uri(f.path, modeRead)); err != nil {
			return "", err
		}
	}
	// Not BEGIN IMMEDIATE, which would lock the live file too.
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return "", err
	}
	if err := f.carryInto(ctx, c, here); err != nil {
		return "", errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return stand, c.exec(ctx, "COMMIT")
}

func (f *File) carryInto(ctx context.Context, c *conn, here bool) error {
	for _, t := range schema.Tables() {
		if err := c.uninstall(ctx, t); err != nil {
			return err
		}
	}
	if err := c.makeBookkeeping(ctx); err != nil {
		return err
	}
	if here {
		if err := c.copyBookkeeping(ctx); err != nil {
			return err
		}
	}
	return f.mintClient(ctx, c)
}

func (c *conn) copyBookkeeping(ctx context.Context) error {
	for table, columns := range carried() {
		err := errors.Join(c.exec(ctx, "DELETE FROM main."+table),
			c.exec(ctx, fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM live.%s", table, columns, columns, table)))
		if err != nil {
			return err
		}
	}
	keys := "key IN ('" + strings.Join(carriedKeys, "', '") + "') OR key GLOB '" + keyFile + "*' OR key GLOB '" + keyGone + "*'"
	return errors.Join(
		c.exec(ctx, "DELETE FROM main."+upState+" WHERE "+keys),
		c.exec(ctx, "INSERT INTO main."+upState+" (key, value) SELECT key, value FROM live."+upState+" WHERE "+keys),
		c.exec(ctx, "UPDATE main.sqlite_sequence SET seq = max(seq, ifnull((SELECT l.seq FROM live.sqlite_sequence AS l WHERE l.name = main.sqlite_sequence.name), 0)) WHERE name IN ('"+upQueue+"', '"+upLost+"')"))
}

// stand says in a text how far the bookkeeping is.
func (c *conn) stand(ctx context.Context, here bool) (text string, err error) {
	if !here {
		return "none", nil
	}
	err = c.one(ctx, "SELECT (SELECT group_concat(seq) FROM sqlite_sequence WHERE name IN ('"+upQueue+"', '"+upLost+"')) || ' ' || "+
		"(SELECT count(*) || ' ' || total(number) || ' ' || total(acked) FROM "+upGroups+") || ' ' || (SELECT count(*) FROM "+upLost+")", nil, &text)
	return text, err
}

// overwriteCarrying is overwrite, with what the live file has captured put into the image first.
func (f *File) overwriteCarrying(ctx context.Context, c *conn, image string, run func(before func() error) error, before func() error) error {
	var err error
	for range carryAttempts {
		var stand string
		if stand, err = f.carry(ctx, c, image); err != nil {
			return err
		}
		err = run(func() error {
			if err := f.unmoved(ctx, stand); err != nil {
				return err
			}
			return before()
		})
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return err
}

// unmoved reads through a connection of its own: the other one is busy with the backup and holds the lock.
func (f *File) unmoved(ctx context.Context, stand string) (err error) {
	c, err := f.openLive(ctx, modeRead)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	here, err := c.kept(ctx)
	if err != nil {
		return err
	}
	now, err := c.stand(ctx, here)
	if err == nil && now != stand {
		return errMoved
	}
	return err
}

// salvage puts what a damaged file captured into the image that takes its place, if it can be read. What cannot is in the
// damaged file, which is kept.
func (f *File) salvage(ctx context.Context, image string) {
	err := func() (err error) {
		live, err := f.openLive(ctx, modeRead)
		if err != nil {
			_, own := f.carry(ctx, nil, image)
			return errors.Join(err, own)
		}
		defer func() { err = errors.Join(err, live.Close()) }()
		_, err = f.carry(ctx, live, image)
		return err
	}()
	if err != nil {
		f.log.Warn("what the damaged file had captured for the cloud could not be read", "error", err)
	}
}
