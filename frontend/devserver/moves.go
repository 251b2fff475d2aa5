package main

import (
	"context"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

func (d *desk) planMove(_ context.Context, req app.MoveRequest) (app.MovePlan, error) {
	s := d.now()
	plan := app.MovePlan{From: s.Status.Mode, To: req.To, Rows: 128_206, Bytes: 412_000_000, Seconds: 170, Server: scenes.Server}
	if s.Status.Standalone != nil {
		plan.Target = s.Status.Standalone.Target
	}
	switch {
	case req.To == app.ModeCloud && (s.Status.Cloud == nil || !s.Status.Cloud.SignedIn):
		return app.MovePlan{}, app.Errorf(app.CodeSignedOut, "move", "Nobody is signed in.").WithHint("Sign in, then move.")
	case req.To == app.ModeCloud:
		plan.Steps = []app.MoveStep{
			{ID: "upload", Text: "Send 128,206 rows to sync.lumen.works"}, {ID: "prove", Text: "Prove, table by table, that both sides are equal"},
			{ID: "switch", Text: "Only then: stop copying to " + plan.Target + " and turn sync on"},
		}
	default:
		plan.Steps = []app.MoveStep{
			{ID: "upload", Text: "Send what waits to sync.lumen.works"}, {ID: "copy", Text: "Copy the memory to " + plan.Target + " and prove it"},
			{ID: "switch", Text: "Only then: turn sync off"},
		}
	}
	return plan, nil
}

// move goes on step by step, and back when it is given up.
func (d *desk) move(ctx context.Context, req app.MoveRequest) (app.MoveResult, error) {
	plan, err := d.planMove(ctx, req)
	if err != nil {
		return app.MoveResult{}, err
	}
	before := d.now().Status
	for i, p := range []app.Progress{
		{Phase: app.PhaseUploading, Done: 82_008, Total: 128_206, Rate: 940, ETASeconds: 49.2, Unit: "rows", Since: scenes.Now},
		{Phase: app.PhaseProof, Done: 3, Total: 5, ETASeconds: 2, Unit: "tables", Since: scenes.Now},
		{Phase: app.PhaseMoving, Since: scenes.Now},
	} {
		told := app.MoveStatus{From: plan.From, To: plan.To, Steps: slices.Clone(plan.Steps)}
		for done := range i {
			told.Steps[done].Done, told.Steps[done].Took = true, 40*time.Second
		}
		d.change(func(s *scenes.Scene) { s.Status.Progress, s.Status.Move = &p, &told })
		if err := d.next(ctx); err != nil {
			d.change(func(s *scenes.Scene) { s.Status = before })
			return app.MoveResult{}, err
		}
	}
	st := d.change(func(s *scenes.Scene) {
		name := "cloud-moved"
		if req.To == app.ModeStandalone {
			name = "standalone-joined"
		}
		as(s, name)
	})
	res := app.MoveResult{Steps: plan.Steps, Status: st}
	for i := range res.Steps {
		res.Steps[i].Done, res.Steps[i].Took = true, 40*time.Second
	}
	if st.Mode == app.ModeCloud {
		res.Proof = st.Cloud.LastProof
	}
	return res, nil
}
