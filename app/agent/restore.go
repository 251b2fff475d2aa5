package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	undoFor = 30 * 24 * time.Hour
	// markLimit is how long other programs wait at most for the state before a restore to reach the target.
	markLimit = 20 * time.Second
)

// Points implements app.Restorer.
func (a *Agent) Points(ctx context.Context, machine string) (t app.Timeline, err error) {
	err = a.withReplica(ctx, "points", func(_ app.Prefs, r app.Replica) error {
		t, err = r.Timeline(ctx, machine)
		return err
	})
	if err != nil {
		return app.Timeline{}, err
	}
	pinned := map[string]time.Time{}
	a.tell(func() {
		for _, p := range a.core.records.Pins {
			pinned[p.ID] = p.Pinned
		}
	})
	for i := range t.Points {
		t.Points[i].Pinned = pinned[t.Points[i].ID]
	}
	return t, nil
}

// PlanRestore implements app.Restorer.
func (a *Agent) PlanRestore(ctx context.Context, req app.RestoreRequest) (plan app.RestorePlan, err error) {
	if err := cmp.Or(a.refuseWhole(ctx, req), a.giveKey(ctx, req.Key)); err != nil {
		return plan, err
	}
	if req.Rows != nil {
		plan, _, err = a.bringBack(ctx, req, true)
		return plan, err
	}
	err = a.withReplica(ctx, "restore", func(p app.Prefs, r app.Replica) error {
		plan, err = a.plan(ctx, p, r, req)
		return err
	})
	return plan, err
}

// Rates for the estimates of a plan, in bytes a second, measured on two shared cores.
const (
	rateRead    = 150e6 // fetching and decoding from a disk
	rateNetwork = 30e6
	rateCheck   = 250e6 // integrity_check and row hash
	rateReplace = 100e6 // the backup into the live file
)

func (a *Agent) plan(ctx context.Context, p app.Prefs, r app.Replica, req app.RestoreRequest) (app.RestorePlan, error) {
	if err := a.checkRequest(req); err != nil {
		return app.RestorePlan{}, err
	}
	if err := narrowed(p, r, req.Target); err != nil {
		return app.RestorePlan{}, err
	}
	if several, ok := r.(*sources); ok {
		several.pointAt = req.PointAt
	}
	plan, err := r.Plan(ctx, req.Machine, req.Moment)
	if err != nil {
		return plan, err
	}
	size := float64(plan.DBBytes)
	read := float64(plan.Bytes) / rateNetwork
	if isHere(cmp.Or(plan.Target, p.Target)) {
		read = size / rateRead
	}
	plan.Seconds = read + size/rateCheck
	plan.DiskNeeded = plan.DBBytes
	dir := filepath.Dir(req.To)
	if req.To == "" {
		plan.WriterWait = 2 * size / rateReplace // the replacing, and the checkpoint after it
		plan.Seconds += 2*plan.WriterWait + size/rateCheck
		plan.DiskNeeded += 2 * plan.DBBytes // the write-ahead log and the change file
		plan.UndoFor = undoFor
		dir = a.imageDir(p)
		if _, writer, err := a.source(ctx, p, r, plan); err != nil {
			return plan, err
		} else if writer.Machine != "" && writer.Machine != a.cfg.Machine.ID {
			plan.Writer = &writer
		}
	}
	plan.DiskNeeded -= a.keptOf(ctx, a.imagePath(p, req.To), imageOf(p, plan))
	plan.DiskFree, err = diskFree(dir)
	return plan, err
}

// refuseWhole refuses to restore the whole file in cloud mode.
func (a *Agent) refuseWhole(ctx context.Context, req app.RestoreRequest) error {
	p, err := a.prefs(ctx)
	if err != nil || req.To != "" || req.Rows != nil || a.effective(p) != app.ModeCloud {
		return err
	}
	return app.Errorf(app.CodeRefused, "restore", "The whole file is not restored in cloud mode: it would go to every machine and person.").
		WithHint("Bring back chosen tables, save the moment as a new file, or switch off first.").
		Typed("Bring back chosen tables with --table NAME, restore beside it with --to FILE, or switch off first with `coditect-sync mode off`.")
}

func (a *Agent) checkRequest(req app.RestoreRequest) error {
	switch {
	case req.At.After(a.cfg.Now()):
		return app.Errorf(app.CodeInvalid, "restore", "The time %s is in the future.", req.At.Format(time.RFC3339)).
			WithHint("Choose a moment of the past.").Typed("Choose a moment of the past; `coditect-sync points` lists them.")
	case !req.At.IsZero() && req.Point != "":
		return app.Errorf(app.CodeInvalid, "restore", "A time and a point were both given.").WithHint("Give one of them.")
	case req.TakeOver && (req.To != "" || req.Rows != nil):
		return app.Errorf(app.CodeInvalid, "restore", "Only a restore of the whole live file takes a history over.").WithHint("Leave one of the two out.")
	case req.To != "" && req.Rows != nil:
		return app.Errorf(app.CodeInvalid, "restore", "Rows are brought back into the live file; a new file has all of them.").WithHint("Leave one of the two out.")
	case req.To == "":
		return nil
	case !filepath.IsAbs(req.To):
		return app.Errorf(app.CodeInvalid, "restore", "The file %s needs a full path.", req.To).WithHint("Give it from the root on.")
	}
	return checkNew(req.To)
}

// checkNew makes sure that to can be made: nothing is there, and its folder is.
func checkNew(to string) error {
	if _, err := os.Lstat(to); err == nil {
		return occupied(to)
	}
	if _, err := os.Stat(filepath.Dir(to)); err != nil {
		return app.Errorf(app.CodeNotFound, "restore", "The folder %s is not there.", filepath.Dir(to)).
			WithHint("Make it first, or name a file in another folder.").Wrap(err)
	}
	return nil
}

func occupied(to string) error {
	return app.Errorf(app.CodeRefused, "restore", "%s exists already.", to).WithHint("Choose another name; nothing is overwritten.")
}

// goesOn is said of a restore that can be gone on with.
const goesOn = "What was fetched stays for a week: the same restore goes on with it, another one removes it."

// imageDir is where the image of a restore into the live file is written: beside it, so that it can be renamed in.
func (a *Agent) imageDir(p app.Prefs) string { return filepath.Dir(p.DB) }

// Restore implements app.Restorer.
func (a *Agent) Restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	if err := cmp.Or(a.refuseWhole(ctx, req), a.giveKey(ctx, req.Key)); err != nil {
		return app.RestoreResult{}, err
	}
	end, err := a.begin("restore")
	if err != nil {
		return app.RestoreResult{}, err
	}
	defer end()
	defer a.show(nil)
	if req.Rows != nil {
		return a.restoreRows(ctx, req)
	}
	var res app.RestoreResult
	started := a.cfg.Now()
	err = a.withReplica(ctx, "restore", func(p app.Prefs, r app.Replica) error {
		plan, err := a.plan(ctx, p, r, req)
		if err != nil {
			return err
		}
		if err := a.dropOther(ctx, a.imagePath(p, req.To), imageOf(p, plan)); err != nil {
			return err
		}
		if plan.DiskFree, err = diskFree(filepath.Dir(a.imagePath(p, req.To))); err != nil {
			return err
		}
		if plan.DiskFree < plan.DiskNeeded {
			return app.Errorf(app.CodeNoSpace, "restore", "This disk has %s left, the restore needs %s.", size(plan.DiskFree), size(plan.DiskNeeded)).
				WithHint("Free some, or save to another place.").Typed("Free some, or restore to another place with --to FILE.")
		}
		if req.To != "" {
			res, err = a.restoreTo(ctx, p, r, plan, req.To)
			return err
		}
		if res, err = a.restoreLive(ctx, p, r, plan); err != nil {
			return err
		}
		// The rows are there by now: what fails here is told beside the result.
		if res.History, err = a.follow(context.WithoutCancel(ctx), p, r, plan, req.TakeOver); err != nil {
			res.History = "With which history it goes on was not settled: " + app.AsError("restore", err).Message
		}
		return nil
	})
	if err != nil {
		err = notRestored(err)
		a.noteRestore(req, res, err)
		return app.RestoreResult{}, err
	}
	res.Took = a.cfg.Now().Sub(started)
	a.noteRestore(req, res, nil)
	return res, nil
}

// notRestored makes every failure say that nothing was changed.
func notRestored(err error) error {
	e := *app.AsError("restore", err)
	e.Op = "restore"
	switch e.Code {
	case app.CodeInvalid, app.CodeRefused:
		return &e
	case app.CodeCanceled:
		e.Message = "Canceled. Nothing was restored; every row is as it was."
		return e.WithHint(goesOn)
	}
	e.Message = "Not restored; every row is as it was. " + e.Message
	return &e
}

// Undo implements app.Restorer.
func (a *Agent) Undo(ctx context.Context) (app.RestoreResult, error) {
	var undo *app.UndoPoint
	if err := a.do(ctx, func() { undo = a.core.records.Undo }); err != nil {
		return app.RestoreResult{}, err
	}
	if undo == nil || !a.cfg.Now().Before(undo.Until) {
		return app.RestoreResult{}, app.Errorf(app.CodeNotFound, "undo", "There is no restore to undo.").
			WithHint("Choose a moment to go back to.").Typed("`coditect-sync points` lists the moments you can go back to.")
	}
	return a.Restore(ctx, app.RestoreRequest{Moment: app.Moment{Point: undo.Point.ID}, PointAt: undo.Point.Time, Machine: a.cfg.Machine.ID})
}

// fetch writes the plan's image to a file of ours, with what is there of it already, and checks it.
func (a *Agent) fetch(ctx context.Context, p app.Prefs, r app.Replica, plan app.RestorePlan, image string) (res app.RestoreResult, err error) {
	if err := a.claimImage(ctx, p, plan, image); err != nil {
		return res, err
	}
	res = app.RestoreResult{Point: plan.Point, Integrity: "ok"}
	if res.Had, err = a.fetchImage(ctx, r, plan, image, a.cfg.Layout.RestoreNotes, a.shows(app.PhaseFetch, "bytes")); err != nil {
		return res, err
	}
	a.shows(app.PhaseCheck, "")(0, 0)
	file, err := a.cfg.OpenFile(p.DB) // the one that Replace is asked of, which then knows that the image was checked
	if err != nil {
		return res, err
	}
	res.Target, res.Missing = readFrom(r)
	res.Tables, err = file.Check(ctx, image)
	res.Rows = rowsOf(res.Tables)
	return res, err
}

func (a *Agent) restoreTo(ctx context.Context, p app.Prefs, r app.Replica, plan app.RestorePlan, to string) (res app.RestoreResult, err error) {
	image := a.imagePath(p, to)
	defer func() { a.leaveImage(image, err) }()
	if res, err = a.fetch(ctx, p, r, plan, image); err != nil {
		return app.RestoreResult{}, err
	}
	// From here on image may be a second name of somebody's file, so nothing is ever written to it again.
	if err := os.Remove(a.cfg.Layout.RestoreNotes); err != nil && !errors.Is(err, os.ErrNotExist) {
		return app.RestoreResult{}, err
	}
	if err := os.Link(image, to); errors.Is(err, os.ErrExist) {
		return app.RestoreResult{}, occupied(to)
	} else if err != nil { // a file system without links
		if err := os.Rename(image, to); err != nil {
			return app.RestoreResult{}, app.Errorf(app.CodeDenied, "restore", "%s cannot be written.", to).
				WithHint("Name a file in a folder that you may write.").Wrap(err)
		}
	}
	res.Path, res.Equal = to, true
	return res, nil
}

func (a *Agent) restoreLive(ctx context.Context, p app.Prefs, r app.Replica, plan app.RestorePlan) (res app.RestoreResult, err error) {
	file, err := a.cfg.OpenFile(p.DB)
	if err != nil {
		return app.RestoreResult{}, err
	}
	image := a.imagePath(p, "")
	defer func() { a.leaveImage(image, err) }()
	if res, err = a.fetch(ctx, p, r, plan, image); err != nil {
		return app.RestoreResult{}, err
	}
	res.Path = p.DB
	if err := a.do(ctx, func() { a.core.restoring = true }); err != nil {
		return app.RestoreResult{}, err
	}
	defer a.tell(func() { a.core.restoring = false })
	if usable, err := usable(ctx, file); err != nil {
		return app.RestoreResult{}, err
	} else if !usable {
		return a.install(ctx, file, image, res)
	}
	return a.replace(ctx, file, image, res)
}

// usable tells whether the live file can be written through SQLite; false for a missing or damaged one.
func usable(ctx context.Context, file File) (bool, error) {
	exists, err := file.Exists()
	if err != nil || !exists {
		return false, err
	}
	_, err = file.Inspect(ctx)
	if app.CodeOf(err) == app.CodeDamaged {
		return false, nil
	}
	return err == nil, err
}

// install puts the image where the file is missing or damaged, with no engine running.
func (a *Agent) install(ctx context.Context, file File, image string, res app.RestoreResult) (app.RestoreResult, error) {
	if err := a.do(ctx, func() { a.core.hold = true }); err != nil {
		return res, err
	}
	defer a.tell(func() { a.core.hold = false; a.core.retryAt = time.Time{} })
	if err := a.settle(ctx); err != nil {
		return res, err
	}
	a.shows(app.PhaseReplace, "")(0, 0)
	kept, err := file.InstallImage(ctx, image)
	res.Kept, res.Equal = kept, err == nil
	return res, err
}

// replace writes the image into the live file through SQLite. The state before is at the target, as a point that is
// pinned, before the first page changes.
func (a *Agent) replace(ctx context.Context, file File, image string, res app.RestoreResult) (app.RestoreResult, error) {
	k, release, err := a.keeper(ctx)
	if err != nil {
		return res, err
	}
	defer release()
	a.shows(app.PhaseFlush, "")(0, 0)
	if _, err := k.Flush(ctx); err != nil {
		return res, err
	}
	giveBack := func() {}
	before := func() error {
		limited, cancel := context.WithTimeout(ctx, markLimit)
		defer cancel()
		point, err := k.Mark(limited)
		if err != nil {
			return err
		}
		res.Undo, giveBack, err = a.pin(ctx, point, res.Point)
		return err
	}
	if res.WritersWaited, err = file.Replace(ctx, image, before, a.shows(app.PhaseReplace, "bytes")); err != nil {
		giveBack()
		return res, err
	}
	return a.afterReplace(context.WithoutCancel(ctx), k, file, res), nil
}

// afterReplace compares the file with the image and lets the history go on from it. The rows are restored by now:
// what fails here is told beside the result.
func (a *Agent) afterReplace(ctx context.Context, k app.Keeper, file File, res app.RestoreResult) app.RestoreResult {
	a.shows(app.PhaseCheck, "")(0, 0)
	live, err := hashNow(ctx, file)
	switch {
	case err != nil:
		res.Note = "The file could not be compared afterwards: " + app.AsError("restore", err).Message
	case equal(live, res.Tables):
		res.Equal = true
	default:
		res.Note = "Another program wrote before the file could be compared with the restored copy, which itself was checked."
	}
	a.shows(app.PhaseFlush, "")(0, 0)
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := k.Flush(limited); err != nil {
		res.Note += " The restored state is not at your storage yet; it goes up by itself."
		a.log.Warn("restored state not flushed", "error", err)
	}
	return res
}

func hashNow(ctx context.Context, file File) ([]app.TableHash, error) {
	snap, err := file.Freeze(ctx, func() error { return nil })
	if err != nil {
		return nil, err
	}
	defer func() { _ = snap.Close() }()
	return snap.Hash(ctx)
}

// pin saves the point that undoes a restore before the restore changes anything: nothing is left to save once it is
// done, so neither a crash nor a full disk can lose the way back. giveBack is for a restore that failed.
func (a *Agent) pin(ctx context.Context, before, to app.RestorePoint) (undo *app.UndoPoint, giveBack func(), err error) {
	now := a.cfg.Now()
	before.Pinned = now.Add(undoFor)
	undo = &app.UndoPoint{Point: before, RestoredTo: to.Time, RestoredAt: now, Until: before.Pinned}
	var was *app.UndoPoint
	set := func(u *app.UndoPoint) { a.core.records.Undo = u; err = a.saveRecords() }
	giveBack = func() { a.tell(func() { set(was) }) }
	e := a.do(ctx, func() {
		pins := a.core.records.Pins[:0:0]
		for _, p := range a.core.records.Pins {
			if now.Before(p.Pinned) && p.ID != before.ID {
				pins = append(pins, p)
			}
		}
		pins = append(pins, before)
		a.core.records.Pins = pins
		was = a.core.records.Undo
		set(undo)
	})
	if e != nil {
		return nil, func() {}, e
	}
	return undo, giveBack, err
}

// shows returns a function that shows the progress of a phase, at most five times a second.
func (a *Agent) shows(phase app.Phase, unit string) func(done, total int64) {
	since := a.cfg.Now()
	var told time.Time
	return func(done, total int64) {
		now := a.cfg.Now()
		if !told.IsZero() && now.Sub(told) < 200*time.Millisecond && done < total {
			return
		}
		told = now
		p := &app.Progress{Phase: phase, Done: done, Total: total, Unit: unit, Since: since}
		if took := now.Sub(since).Seconds(); took > 0.5 && done > 0 {
			p.Rate = float64(done) / took
			p.ETASeconds = float64(total-done) / p.Rate
		}
		a.show(p)
	}
}

func (a *Agent) show(p *app.Progress) { a.tell(func() { a.core.opShows = p }) }

func rowsOf(tables []app.TableHash) (n int64) {
	for _, t := range tables {
		n += t.Rows
	}
	return n
}

func equal(a, b []app.TableHash) bool {
	sums := map[string]app.TableHash{}
	for _, t := range a {
		sums[t.Table] = t
	}
	for _, t := range b {
		if sums[t.Table] != t {
			return false
		}
	}
	return len(a) == len(b)
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d kB", (n+999)/1000)
}
