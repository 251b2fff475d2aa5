package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// unfinishedFor is how long the image of a restore that was interrupted waits for the same restore.
const unfinishedFor = 7 * 24 * time.Hour

// imagePath is where the image of a restore is made: beside the file it is for, under a name that is this machine's own.
func (a *Agent) imagePath(p app.Prefs, to string) string {
	id := a.cfg.Machine.ID
	name := ".restoring-" + id[max(0, len(id)-12):]
	if to != "" {
		return to + name
	}
	return filepath.Join(a.imageDir(p), "."+filepath.Base(p.DB)+name)
}

// imageOf says what a plan's image is of. Copies that began anew have other points of the same numbers.
func imageOf(p app.Prefs, plan app.RestorePlan) string {
	at := plan.Point.Time.UTC().Format(time.RFC3339Nano)
	return fmt.Sprintf("%q", []string{p.DB, cmp.Or(plan.Target, p.Target), p.User, plan.Machine, plan.Point.ID, at})
}

// unfinished is the restore that did not come to its end, nil for none.
func (a *Agent) unfinished(ctx context.Context) (was *config.Unfinished, err error) {
	err = a.do(ctx, func() { was = a.core.records.Unfinished })
	return was, err
}

func (a *Agent) setUnfinished(ctx context.Context, u *config.Unfinished) (err error) {
	e := a.do(ctx, func() { a.core.records.Unfinished = u; err = a.saveRecords() })
	return errors.Join(e, err)
}

// dropOther removes what a restore left that was another one than this.
func (a *Agent) dropOther(ctx context.Context, image, of string) error {
	was, err := a.unfinished(ctx)
	if err != nil || was == nil || was.Image == image && was.Of == of {
		return err
	}
	a.dropImage(was.Image)
	if err := a.setUnfinished(ctx, nil); err != nil {
		a.log.Warn("end of a restore not noted", "error", err)
	}
	return ctx.Err()
}

// claimImage makes image this restore's own before the first byte is in it, so that whatever happens it is known whose it
// is; where that cannot be noted, on a full disk, the restore goes on all the same. What was made for a look at the same moment
// becomes it.
func (a *Agent) claimImage(ctx context.Context, p app.Prefs, plan app.RestorePlan, image string) error {
	of := imageOf(p, plan)
	if err := a.dropOther(ctx, image, of); err != nil {
		return err
	}
	if filepath.Dir(image) == a.imageDir(p) { // what older versions left there, and what SQLite did
		a.clear(a.imageDir(p), "."+filepath.Base(p.DB)+".restoring-", image)
	}
	if err := a.setUnfinished(ctx, &config.Unfinished{Image: image, Of: of, At: a.cfg.Now().UTC()}); err != nil {
		if ctx.Err() != nil {
			return err
		}
		a.log.Warn("restore under way not noted", "error", err)
	}
	a.takeLook(of, image)
	return nil
}

// letGo says why a point that was planned is not there any more. The history of another machine is thinned by that machine,
// which does not know who reads it; of this machine's own the point is kept meanwhile.
func (a *Agent) letGo(plan app.RestorePlan, err error) error {
	if app.CodeOf(err) != app.CodeNotFound || plan.Machine == a.cfg.Machine.ID {
		return err
	}
	e := *app.AsError("restore", err)
	e.Message = "Its machine let that point go while it was read, as its retention says. " + e.Message
	return &e
}

// leaveImage keeps the image of a restore that can be gone on with, and removes any other.
func (a *Agent) leaveImage(image string, err error) {
	if slices.Contains([]app.Code{app.CodeCanceled, app.CodeUnreachable, app.CodeBusy}, app.CodeOf(err)) {
		return
	}
	a.dropImage(image)
	if err := a.setUnfinished(context.WithoutCancel(a.life), nil); err != nil {
		a.log.Warn("end of a restore not noted", "error", err) // the next one finds nothing to go on with
	}
}

// dropImage removes an image, what SQLite may have left beside it, and the notes.
func (a *Agent) dropImage(image string) {
	for _, path := range []string{a.cfg.Layout.RestoreNotes, image, image + "-wal", image + "-shm", image + "-journal"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			a.log.Warn("left file not removed", "error", err)
		}
	}
}

// keptOf is what the image of a restore takes of the disk already, in bytes.
func (a *Agent) keptOf(ctx context.Context, image, of string) int64 {
	was, err := a.unfinished(ctx)
	if err != nil || was == nil || was.Image != image || was.Of != of {
		return 0
	}
	info, err := os.Lstat(image)
	if err != nil {
		return 0
	}
	return allocated(info)
}

// expireUnfinished removes what nobody went on with. Run's goroutine.
func (a *Agent) expireUnfinished() {
	was := a.core.records.Unfinished
	if was == nil || a.cfg.Now().Sub(was.At) < unfinishedFor {
		return
	}
	a.dropImage(was.Image)
	a.core.records.Unfinished = nil
	_ = a.saveRecords() // it is logged
}
