package agent

import (
	"context"
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// broughtBack is what bringBack did.
type broughtBack struct {
	app.Back
	undo *app.UndoPoint
	note string
}

// bringBack looks into a moment and brings chosen rows of it back, or with dry says which that would be and whom it would
// reach.
func (a *Agent) bringBack(ctx context.Context, req app.RestoreRequest, dry bool) (plan app.RestorePlan, back broughtBack, err error) {
	err = a.looking(ctx, "restore", func(ctx context.Context, p app.Prefs, r app.Replica) error {
		if plan, err = a.plan(ctx, p, r, req); err != nil {
			return err
		}
		a.shows(app.PhaseFetch, "")(0, 0)
		defer a.show(nil)
		if err := a.image(ctx, p, r, plan); err != nil {
			return err
		}
		file, err := a.cfg.OpenFile(p.DB)
		if err != nil {
			return err
		}
		if _, err := file.Check(ctx, a.look.image); err != nil {
			return err
		}
		back.Back, err = file.BringBack(ctx, a.look.image, *req.Rows, true, nil)
		if err != nil || dry || back.Rows() == 0 {
			return err
		}
		back.undo, back.note = a.markRows(ctx, p, plan)
		back.Back, err = file.BringBack(ctx, a.look.image, *req.Rows, false, a.shows(app.PhaseReplace, "rows"))
		return err
	})
	if err != nil {
		return plan, back, err
	}
	back.Reach = a.reach(ctx, back.Projects)
	plan.Back, plan.UndoFor, plan.WriterWait = &back.Back, 0, 0
	if p, err := a.prefs(ctx); err == nil && back.Rows() > 0 && a.effective(p) != app.ModeCloud {
		plan.UndoFor = undoFor
	}
	return plan, back, nil
}

// markRows copies the state before rows come back, so that `undo` is of them and not of a restore before. In cloud mode there is
// no way back for the whole file. Rows are ordinary changes, so a storage that does not answer does not keep them back.
func (a *Agent) markRows(ctx context.Context, p app.Prefs, plan app.RestorePlan) (undo *app.UndoPoint, note string) {
	if a.effective(p) == app.ModeCloud {
		return nil, ""
	}
	a.shows(app.PhaseFlush, "")(0, 0)
	ctx, cancel := context.WithTimeout(ctx, markLimit)
	defer cancel()
	k, release, err := a.keeper(ctx)
	if err == nil {
		defer release()
		var before app.RestorePoint
		if before, err = k.Flush(ctx); err == nil {
			undo, _, err = a.pin(ctx, before, plan.Point)
		}
	}
	if err == nil {
		return undo, ""
	}
	a.log.Warn("state before rows came back not copied", "error", err)
	return nil, "This cannot be undone, as the state before could not be copied: " + app.AsError("restore", err).Message
}

// restoreRows is Restore for chosen rows.
func (a *Agent) restoreRows(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	started := a.cfg.Now()
	plan, back, err := a.bringBack(ctx, req, false)
	if err != nil {
		return app.RestoreResult{}, partly(err)
	}
	p, err := a.prefs(ctx)
	if err != nil {
		return app.RestoreResult{}, err
	}
	res := app.RestoreResult{
		Point: plan.Point, Path: p.DB, Integrity: "ok", Rows: back.Rows(), Back: &back.Back, Undo: back.undo, Note: back.note, Took: a.cfg.Now().Sub(started),
	}
	if res.Rows > 0 {
		a.note(app.Event{Kind: app.EventRestore, Text: "Rows of " + clock(plan.Point.Time, started) + " were brought back",
			Detail: fmt.Sprintf("%d rows: %s", res.Rows, strings.Join(req.Rows.Tables, ", "))})
	}
	return res, nil
}

// partly makes a failure say what is true of rows, which come back in slices.
func partly(err error) error {
	e := *app.AsError("restore", err)
	if e.Code != app.CodeInvalid && e.Code != app.CodeRefused {
		e.Message = "Not all rows were brought back; doing it again goes on. " + e.Message
	}
	e.Op = "restore"
	return &e
}

// reach is who sees rows of these projects; nil where nobody else does.
func (a *Agent) reach(ctx context.Context, projects []string) *app.Reach {
	door := a.fleet()
	if door == nil || len(projects) == 0 {
		return nil
	}
	people := map[string]int{} // and on how many machines they are
	var out app.Reach
	for _, id := range projects {
		readers, err := door.Readers(ctx, id)
		if app.CodeOf(err) == app.CodeNotFound {
			continue // nobody but this machine knows it
		}
		if err != nil {
			a.log.Info("whom rows reach is not known", "error", err)
			return &app.Reach{}
		}
		for _, r := range readers {
			people[r.User] = len(r.Machines)
		}
		if len(readers) > 1 {
			out.Projects = append(out.Projects, a.projectName(ctx, id))
		}
	}
	if out.People = len(people); out.People < 2 {
		return nil
	}
	for _, machines := range people {
		out.Machines += machines
	}
	return &out
}

func (a *Agent) projectName(ctx context.Context, id string) string {
	list, err := a.projects(ctx)
	if err != nil {
		return id
	}
	for _, p := range list {
		if p.ID == id && p.Name != "" {
			return p.Name
		}
	}
	return id
}
