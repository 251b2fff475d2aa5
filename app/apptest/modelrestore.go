package apptest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Points implements app.Service.
func (m *Model) Points(ctx context.Context, machine string) (app.Timeline, error) {
	if err := m.hasTarget("points"); err != nil {
		return app.Timeline{}, err
	}
	return m.replica.Timeline(ctx, machine)
}

func (m *Model) hasTarget(op string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.prefs.Target == "" {
		return app.Errorf(app.CodeInvalid, op, "No target is set up.").WithHint("Choose where the copies go.")
	}
	return nil
}

// PlanRestore implements app.Service.
func (m *Model) PlanRestore(ctx context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
	if err := m.possible(req); err != nil {
		return app.RestorePlan{}, err
	}
	plan, err := m.replica.Plan(ctx, req.Machine, req.Moment)
	if err == nil && req.Rows != nil {
		plan.Back, err = m.bringBack(ctx, plan, *req.Rows, true)
		plan.UndoFor = 30 * 24 * time.Hour
	}
	plan.DiskNeeded, plan.DiskFree, plan.Seconds = plan.DBBytes, 1<<40, 0.1
	if req.To == "" {
		plan.WriterWait = 0.1
	}
	return plan, err
}

func (m *Model) possible(req app.RestoreRequest) error {
	if err := m.hasTarget("restore"); err != nil {
		return err
	}
	if req.Point != "" && !req.At.IsZero() {
		return app.Errorf(app.CodeInvalid, "restore", "A restore goes to a time or to a point, not both.")
	}
	if req.At.After(m.world.Now()) {
		return app.Errorf(app.CodeInvalid, "restore", "That time is in the future.").WithHint("Choose a time that has been.")
	}
	if req.To == "" {
		return nil
	}
	if req.Rows != nil {
		return app.Errorf(app.CodeInvalid, "restore", "Rows are for the live file.")
	}
	if !filepath.IsAbs(req.To) {
		return app.Errorf(app.CodeInvalid, "restore", "%q is not an absolute path.", req.To)
	}
	if _, err := os.Lstat(req.To); err == nil {
		return app.Errorf(app.CodeRefused, "restore", "There is a file %s already.", req.To).WithHint("Choose a new name.")
	}
	return nil
}

// Restore implements app.Service.
func (m *Model) Restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	m.op.Lock()
	defer m.op.Unlock()
	if req.Rows != nil {
		return m.restoreRows(ctx, req)
	}
	res, err := m.restore(ctx, req)
	if err == nil {
		m.happened(app.EventRestore, "Restored to %s", res.Point.ID)
	}
	return res, err
}

// Undo implements app.Service.
func (m *Model) Undo(ctx context.Context) (app.RestoreResult, error) {
	m.op.Lock()
	defer m.op.Unlock()
	undo := m.board.now().Undo
	if undo == nil {
		return app.RestoreResult{}, app.Errorf(app.CodeNotFound, "undo", "There is nothing to undo.")
	}
	return m.restore(ctx, app.RestoreRequest{Moment: app.Moment{Point: undo.Point.ID}})
}

func (m *Model) restoreRows(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	plan, err := m.PlanRestore(ctx, req)
	if err != nil {
		return app.RestoreResult{}, err
	}
	var undo *app.UndoPoint
	if plan.Back.Rows() > 0 {
		u := m.undoOf(plan.Point)
		undo = &u
	}
	back, err := m.bringBack(ctx, plan, *req.Rows, false)
	if err != nil {
		return app.RestoreResult{}, err
	}
	if undo != nil {
		m.undoes(undo)
	}
	return app.RestoreResult{Point: plan.Point, Path: m.world.Path, Integrity: "ok", Rows: back.Rows(), Back: back, Undo: undo, Took: time.Millisecond}, nil
}

// undoOf marks the state of now as that before a restore.
func (m *Model) undoOf(to app.RestorePoint) app.UndoPoint {
	u := app.UndoPoint{Point: m.world.flush(), RestoredTo: to.Time, RestoredAt: m.world.Now(), Until: m.world.Now().Add(30 * 24 * time.Hour)}
	u.Point.Pinned = u.Until
	return u
}

// undoes shows what a restore that is done can be undone by.
func (m *Model) undoes(u *app.UndoPoint) {
	m.mu.Lock()
	m.undo = u
	m.mu.Unlock()
	m.publish()
}

func (m *Model) bringBack(ctx context.Context, plan app.RestorePlan, choice app.Choice, dry bool) (*app.Back, error) {
	dir, err := os.MkdirTemp(filepath.Dir(m.world.Path), "back")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "image")
	if err := m.replica.Fetch(ctx, plan, image, nil); err != nil {
		return nil, err
	}
	back, err := m.file.BringBack(ctx, image, choice, dry, nil)
	return &back, err
}

func (m *Model) restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	plan, err := m.PlanRestore(ctx, req)
	if err != nil {
		return app.RestoreResult{}, err
	}
	image := req.To
	if image == "" {
		dir, err := os.MkdirTemp(filepath.Dir(m.world.Path), "restore")
		if err != nil {
			return app.RestoreResult{}, err
		}
		defer os.RemoveAll(dir)
		image = filepath.Join(dir, "image")
	}
	if err := m.replica.Fetch(ctx, plan, image, nil); err != nil {
		return app.RestoreResult{}, err
	}
	tables, err := m.file.Check(ctx, image)
	if err != nil {
		return app.RestoreResult{}, errors.Join(err, os.Remove(image))
	}
	res := app.RestoreResult{
		Point: plan.Point, Path: image, Integrity: "ok", Rows: tables[0].Rows, Tables: tables, Equal: true, Took: time.Millisecond,
	}
	if req.To != "" {
		return res, nil
	}
	return m.replace(ctx, image, res)
}

// replace makes the image the live file's content and the state before it the undo.
func (m *Model) replace(ctx context.Context, image string, res app.RestoreResult) (app.RestoreResult, error) {
	m.restoring(true)
	defer m.restoring(false)
	var undo app.UndoPoint
	took, err := m.file.Replace(ctx, image, func() error {
		undo = m.undoOf(res.Point)
		return nil
	}, nil)
	if err != nil {
		return app.RestoreResult{}, err
	}
	now, err := m.file.Check(ctx, "")
	if err != nil {
		return app.RestoreResult{}, err
	}
	m.undoes(&undo)
	res.Path, res.Equal, res.Undo, res.WritersWaited = m.world.Path, slices.Equal(now, res.Tables), &undo, took
	return res, nil
}

func (m *Model) restoring(on bool) {
	m.mu.Lock()
	m.busy = on
	m.mu.Unlock()
	m.publish()
}

// Verify implements app.Service.
func (m *Model) Verify(context.Context) (app.Drill, error) {
	if err := m.hasTarget("verify"); err != nil {
		return app.Drill{}, err
	}
	m.op.Lock()
	defer m.op.Unlock()
	d := m.world.prove(m.world.flush())
	m.mu.Lock()
	st := m.world.standalone(m.prefs.Target)
	m.report.Standalone = &st
	m.mu.Unlock()
	m.happened(app.EventProof, "Proved %d rows", d.Rows)
	m.publish()
	return d, nil
}

// Machines implements app.Service.
func (m *Model) Machines(ctx context.Context) ([]app.Machine, error) {
	if err := m.hasTarget("machines"); err != nil {
		return nil, err
	}
	return m.replica.Machines(ctx)
}

// Doctor implements app.Service.
func (m *Model) Doctor(ctx context.Context) ([]app.Finding, error) {
	list := m.file.Surroundings(ctx)
	if m.hasTarget("doctor") != nil {
		list = append(list, app.Finding{Check: "target", Level: app.LevelWarn, Detail: "No target is set up."})
	}
	return list, nil
}
