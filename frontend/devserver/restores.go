package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

func (d *desk) preview(_ context.Context, req app.RestoreRequest) (app.Preview, error) {
	p, err := d.point(req)
	if err != nil {
		return app.Preview{}, err
	}
	return d.now().Preview(p, req.Machine), nil
}

func (d *desk) plan(ctx context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
	p, err := d.preview(ctx, req)
	if err == nil && req.Rows != nil {
		p.Plan.Back = backOf(p, req.Rows.Tables)
		p.Plan.Back.Reach = &app.Reach{People: 3, Machines: 5, Projects: []string{"billing-service"}}
	}
	return p.Plan, err
}

// backOf is what of a moment comes back.
func backOf(p app.Preview, tables []string) *app.Back {
	back := &app.Back{}
	for _, t := range p.Tables {
		if slices.Contains(tables, t.Table) {
			back.Tables = append(back.Tables, app.TableBack{Table: t.Table, Again: t.Removed, Changed: t.Changed})
		}
	}
	return back
}

func (d *desk) bringBack(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	p, err := d.preview(ctx, req)
	if err != nil {
		return app.RestoreResult{}, err
	}
	before := d.now().Status
	for _, phase := range []app.Progress{{Phase: app.PhaseFetch}, {Phase: app.PhaseReplace, Done: 4, Total: 9, Unit: "rows"}} {
		d.change(func(s *scenes.Scene) { s.Status.Progress = &phase })
		err := d.next(ctx)
		d.change(func(s *scenes.Scene) { s.Status = before })
		if err != nil {
			return app.RestoreResult{}, err
		}
	}
	back := backOf(p, req.Rows.Tables)
	return app.RestoreResult{Point: p.Plan.Point, Path: before.DB.Path, Integrity: "ok", Rows: back.Rows(), Back: back, Took: time.Second}, nil
}

// point is the newest point at or before the moment that is asked for.
func (d *desk) point(req app.RestoreRequest) (app.RestorePoint, error) {
	for _, p := range d.now().Timeline(req.Machine).Points {
		if req.Point == p.ID || req.Point == "" && !p.Time.After(req.At) {
			return p, nil
		}
	}
	return app.RestorePoint{}, app.Errorf(app.CodeNotFound, "restore", "There is no point %s.", req.Point)
}

// phases are what a restore goes through, one step each.
var phases = []app.Progress{
	{Phase: app.PhaseFetch, Done: 31_000_000, Total: 412_000_000, Rate: 40_000_000, ETASeconds: 9.5, Unit: "bytes"},
	{Phase: app.PhaseCheck},
	{Phase: app.PhaseFlush},
	{Phase: app.PhaseReplace, Done: 62_000, Total: 100_000, Rate: 9500, ETASeconds: 4, Unit: "pages"},
	{Phase: app.PhaseCheck},
}

func (d *desk) restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	if req.Rows != nil {
		return d.bringBack(ctx, req)
	}
	p, err := d.point(req)
	if err != nil {
		return app.RestoreResult{}, err
	}
	if strings.Contains(req.To, "full") {
		return app.RestoreResult{}, app.Errorf(app.CodeNoSpace, "restore", "This disk has 90 MB left, the restore needs 830 MB.").
			WithHint("Free some, or save to another place.")
	}
	return d.perform(ctx, p, req.To)
}

func (d *desk) undo(ctx context.Context, _ nothing) (app.RestoreResult, error) {
	undo := d.now().Status.Undo
	if undo == nil {
		return app.RestoreResult{}, app.Errorf(app.CodeNotFound, "undo", "There is no restore to undo.")
	}
	return d.perform(ctx, undo.Point, "")
}

func (d *desk) perform(ctx context.Context, p app.RestorePoint, to string) (app.RestoreResult, error) {
	before := d.now().Status
	for _, phase := range phases {
		phase.Since = scenes.Now.Add(-2 * time.Second)
		d.change(func(s *scenes.Scene) {
			s.Status.State, s.Status.Healthy, s.Status.Progress = app.StateRestoring, false, &phase
		})
		if err := d.next(ctx); err != nil {
			d.change(func(s *scenes.Scene) { s.Status = before })
			return app.RestoreResult{}, err
		}
	}
	res := app.RestoreResult{Point: p, Path: before.DB.Path, Integrity: "ok", Rows: 128_009, Tables: scenes.Tables(), Equal: true,
		Took: 20 * time.Second, WritersWaited: 2800 * time.Millisecond}
	if to != "" {
		res.Path, res.WritersWaited = to, 0
	} else {
		res.Undo = scenes.Undo()
		res.Undo.RestoredTo = p.Time
	}
	d.change(func(s *scenes.Scene) {
		next, _ := scenes.Find("protected") // after a restore the file is copied and proved again
		s.Status, s.Status.Undo = next.Status, res.Undo
	})
	return res, nil
}
