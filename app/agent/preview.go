package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// previewFor is how long the image of a moment that was looked at stays, for a quick second look.
const previewFor = 10 * time.Minute

// preview is the moment that was looked at last. Whoever holds turn owns the other fields.
type preview struct {
	turn   chan struct{}
	key    string // what image is of, and what tables compare it with
	image  string // path, "" when there is none
	notes  string // path of what proves the image
	until  time.Time
	tables []app.TableDiff
	txid   string // of the live file that tables compare with
}

// Preview implements app.Previewer.
func (a *Agent) Preview(ctx context.Context, req app.RestoreRequest) (out app.Preview, err error) {
	req.To, req.Rows = "", nil
	err = a.looking(ctx, "preview", func(ctx context.Context, p app.Prefs, r app.Replica) (err error) {
		if out.Plan, err = a.plan(ctx, p, r, req); err != nil {
			return err
		}
		out.Tables, err = a.compare(ctx, p, r, out.Plan)
		return err
	})
	return out, err
}

// looking runs work, which may look into moments. Looks wait for each other; a ctx that ends gives the turn away.
func (a *Agent) looking(ctx context.Context, op string, work func(context.Context, app.Prefs, app.Replica) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.life, cancel)()
	select {
	case a.look.turn <- struct{}{}:
		defer func() { <-a.look.turn }()
	case <-ctx.Done():
		return canceled(ctx)
	}
	err := a.withReplica(ctx, op, func(p app.Prefs, r app.Replica) error { return work(ctx, p, r) })
	if err == nil {
		err = a.do(ctx, func() {}) // Run looks at when the image has to go
	}
	return err
}

// compare fetches the plan's image, unless it is there from the last look, and holds it against the live file.
func (a *Agent) compare(ctx context.Context, p app.Prefs, r app.Replica, plan app.RestorePlan) ([]app.TableDiff, error) {
	v := &a.look
	if err := a.image(ctx, p, r, plan); err != nil {
		return nil, err
	}
	txid := a.txidNow()
	if txid != "" && v.txid == txid {
		return v.tables, nil
	}
	file, err := a.cfg.OpenFile(p.DB)
	if err != nil {
		return nil, err
	}
	tables, err := compareWith(ctx, file, v.image)
	if err != nil {
		return nil, err
	}
	v.tables, v.txid, v.until = tables, txid, a.cfg.Now().Add(previewFor)
	return tables, nil
}

// image sees to it that the image of the last look is the plan's.
func (a *Agent) image(ctx context.Context, p app.Prefs, r app.Replica, plan app.RestorePlan) error {
	v := &a.look
	key := imageOf(p, plan)
	if v.key != key || v.image == "" {
		if err := a.fetchPreview(ctx, r, plan, key); err != nil {
			return err
		}
	}
	v.until = a.cfg.Now().Add(previewFor)
	return nil
}

// txidNow is the newest change of the live file, "" while nobody watches it.
func (a *Agent) txidNow() string {
	s, _ := a.board.read()
	if s.State != app.StateStandalone || s.Standalone == nil {
		return ""
	}
	return s.Standalone.TXID
}

func (a *Agent) fetchPreview(ctx context.Context, r app.Replica, plan app.RestorePlan, key string) error {
	v := &a.look
	v.drop()
	if free, err := diskFree(a.cfg.Layout.Tmp); err == nil && free < plan.DBBytes {
		return app.Errorf(app.CodeNoSpace, "preview", "This disk has %s left, looking into that moment needs %s.", size(free), size(plan.DBBytes)).
			WithHint("Free some space in %s.", a.cfg.Layout.Tmp)
	}
	image := filepath.Join(a.cfg.Layout.Tmp, fmt.Sprintf("preview-%d.db", os.Getpid()))
	v.image, v.notes = image, filepath.Join(a.cfg.Layout.Tmp, "look-notes") // also half ones must go
	if _, err := a.fetchImage(ctx, r, plan, image, v.notes, nil); err != nil {
		v.drop()
		return err
	}
	v.key = key
	return nil
}

// compareWith also compares with a live file that is missing or damaged: all its rows would come back.
func compareWith(ctx context.Context, file File, image string) ([]app.TableDiff, error) {
	usable, err := usable(ctx, file)
	if err != nil {
		return nil, err
	}
	if usable {
		return file.Compare(ctx, image, nil)
	}
	tables, err := file.Check(ctx, image)
	if err != nil {
		return nil, err
	}
	var out []app.TableDiff
	for _, t := range tables {
		out = append(out, app.TableDiff{Table: t.Table, Then: t.Rows, Removed: t.Rows})
	}
	return out, nil
}

// takeLook gives the image of the last look away, to a restore of that moment, with the notes that prove it.
func (a *Agent) takeLook(of, image string) {
	select {
	case a.look.turn <- struct{}{}:
		defer func() { <-a.look.turn }()
	default:
		return // somebody is looking
	}
	v := &a.look
	if v.image == "" || v.key != of {
		return
	}
	if err := os.Rename(v.image, image); err != nil { // another disk; it is fetched
		return
	}
	if err := os.Rename(v.notes, a.cfg.Layout.RestoreNotes); err != nil {
		a.log.Warn("what was looked at is not believed", "error", err)
	}
	v.drop()
}

// drop removes the image and what SQLite may have left beside it.
func (v *preview) drop() {
	if v.image == "" {
		return
	}
	for _, path := range []string{v.notes, v.image, v.image + "-wal", v.image + "-shm", v.image + "-journal"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return // tried again with the next look
		}
	}
	v.image, v.key, v.tables, v.txid = "", "", nil, ""
}

// expirePreview removes the image when nobody has looked for a while, and says when that will be. Run's goroutine.
func (a *Agent) expirePreview(now time.Time) time.Time {
	select {
	case a.look.turn <- struct{}{}:
		defer func() { <-a.look.turn }()
	default:
		return time.Time{} // somebody is looking
	}
	if a.look.image == "" {
		return time.Time{}
	}
	if !now.Before(a.look.until) {
		a.look.drop()
		return time.Time{}
	}
	return a.look.until
}

// endPreview waits for whoever is looking; life has ended, so that is soon.
func (a *Agent) endPreview() {
	a.look.turn <- struct{}{}
	a.look.drop()
	<-a.look.turn
}

// clear removes the files of dir that begin with prefix, but for keep: what a process that was killed has left there.
func (a *Agent) clear(dir, prefix, keep string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		a.log.Warn("folder not cleared", "error", err)
		return
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), prefix) || filepath.Join(dir, e.Name()) == keep {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			a.log.Warn("left file not removed", "error", err)
		}
	}
}
