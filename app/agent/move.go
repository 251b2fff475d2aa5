package agent

import (
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// A move between the modes is a row of steps, each of which can be done again: what is recorded, sent and proved already
// is found so. The one that counts is a single replacement of the preferences, so whatever interrupts a move leaves one
// mode or the other, and the same move, asked for again, goes on.

// stepIDs of a move, in order.
const (
	stepUpload = "upload"
	stepProve  = "prove"
	stepCheck  = "check"
	stepSwitch = "switch"
	stepStream = "stream"
	stepCopy   = "copy"
)

// step is one step of a move.
type step struct {
	id, text string
	do       func(m *mover, ctx context.Context) error
}

// mover is a move under way.
type mover struct {
	a     *Agent
	steps []app.MoveStep
	proof *app.Proof
	from  app.Mode
	to    app.Mode
}

// steps of a move. What waits for the cloud can go up only from cloud mode, with an account.
func (a *Agent) steps(from, to app.Mode) []step {
	_, signedIn := a.account()
	if to == app.ModeCloud {
		return []step{
			{stepUpload, "Record every row and send it to the cloud", (*mover).upload},
			{stepSwitch, "Stop copying to your storage; its moments stay", (*mover).toCloud},
			{stepStream, "Get what your other machines have", (*mover).stream},
			{stepProve, "Prove that this machine and the cloud hold the same rows", (*mover).prove},
		}
	}
	steps := []step{{stepCheck, "Test the storage", (*mover).check}}
	if signedIn && from == app.ModeCloud {
		steps = append(steps,
			step{stepUpload, "Send what waits to the cloud", (*mover).push},
			step{stepProve, "Prove that this machine and the cloud hold the same rows", (*mover).prove})
	}
	return append(steps,
		step{stepSwitch, "Stop syncing; the cloud keeps its rows", (*mover).toStandalone},
		step{stepCopy, "Make a full copy and prove it with a test restore", (*mover).copy})
}

// PlanMove implements app.Mover.
func (a *Agent) PlanMove(ctx context.Context, req app.MoveRequest) (plan app.MovePlan, err error) {
	p, err := a.mayMove(ctx, req)
	if err != nil {
		return plan, err
	}
	who, signedIn := a.account()
	plan = app.MovePlan{From: a.effective(p), To: req.To, Server: who.Server, Target: p.Target, Bytes: dbSize(p.DB)}
	for _, s := range a.steps(plan.From, req.To) {
		plan.Steps = append(plan.Steps, app.MoveStep{ID: s.id, Text: s.text})
	}
	if p.DB != "" {
		if file, err := a.cfg.OpenFile(p.DB); err == nil {
			if info, err := file.Inspect(ctx); err == nil {
				for _, n := range info.Rows {
					plan.Rows += n
				}
			}
		}
	}
	plan.Seconds = 5 + float64(plan.Rows)/rateRows
	switch {
	case req.To == app.ModeCloud:
		plan.Notes = []string{"Until every table is proved equal, your storage goes on protecting this memory."}
	case !signedIn:
		plan.Notes = []string{"This machine is not signed in, so what waits for the cloud stays here."}
	}
	return plan, nil
}

// rateRows is how many rows a second are recorded, sent and compared, for the estimate of a plan.
const rateRows = 8000

// mayMove refuses what cannot be.
func (a *Agent) mayMove(ctx context.Context, req app.MoveRequest) (p app.Prefs, err error) {
	if p, err = a.prefs(ctx); err != nil {
		return p, err
	}
	_, signedIn := a.account()
	switch {
	case req.To != app.ModeCloud && req.To != app.ModeStandalone:
		return p, app.Errorf(app.CodeInvalid, "migrate", "There is no move to %q.", req.To).WithHint("Move to cloud or to standalone.")
	case req.To == app.ModeCloud && !signedIn, p.Mode == app.ModeUnset && !signedIn:
		return p, noAccount("migrate")
	case a.cfg.Forced != app.ModeUnset && a.cfg.Forced != req.To:
		return p, a.checkMode(p, req.To)
	case req.To == app.ModeStandalone && p.Target == "":
		return p, noStorage("migrate")
	}
	return p, nil
}

// Move implements app.Mover.
func (a *Agent) Move(ctx context.Context, req app.MoveRequest) (res app.MoveResult, err error) {
	p, err := a.mayMove(ctx, req)
	if err != nil {
		return res, err
	}
	end, err := a.begin("migrate")
	if err != nil {
		return res, err
	}
	defer end()
	m := &mover{a: a, from: a.effective(p), to: req.To}
	steps := a.steps(m.from, m.to)
	for _, s := range steps {
		m.steps = append(m.steps, app.MoveStep{ID: s.id, Text: s.text})
	}
	over := func() { a.tell(func() { a.core.move = nil }) }
	defer over()
	for i, s := range steps {
		m.shown()
		began := a.cfg.Now()
		if err := s.do(m, ctx); err != nil {
			return app.MoveResult{Steps: m.steps, Proof: m.proof}, notMoved(err, m)
		}
		m.steps[i].Done, m.steps[i].Took = true, a.cfg.Now().Sub(began)
	}
	over()
	st, err := a.published(ctx)
	return app.MoveResult{Steps: m.steps, Proof: m.proof, Status: st}, err
}

// notMoved says in which mode the machine is.
func notMoved(err error, m *mover) error {
	e := *app.AsError("migrate", err)
	e.Op = "migrate"
	where := m.from
	for _, s := range m.steps {
		if s.ID == stepSwitch && s.Done {
			where = m.to
		}
	}
	e.Message += " The mode is " + string(where) + "; nothing is lost."
	if e.Hint == "" {
		e.Hint, e.TypedHint = "Move again: it goes on where it was.", "Run `coditect-sync migrate` again: it goes on where it was."
	}
	return &e
}

// shown puts the steps into the Status.
func (m *mover) shown() {
	st := &app.MoveStatus{From: m.from, To: m.to, Steps: append([]app.MoveStep(nil), m.steps...), Proof: m.proof}
	m.a.tell(func() { m.a.core.move = st })
}

func (m *mover) upload(ctx context.Context) error {
	p, err := m.a.prefs(ctx)
	if err != nil || m.a.effective(p) == app.ModeCloud {
		return err // the engine does it
	}
	if p.DB == "" {
		return nil // nothing is here yet
	}
	res, err := m.a.upload(ctx)
	if err != nil {
		return err
	}
	m.proof = res.Proof
	if res.Proof == nil || !res.Proof.Equal {
		return unequal(res.Proof)
	}
	return nil
}

func unequal(proof *app.Proof) error {
	what := "The cloud could not be compared with this machine."
	if proof != nil && proof.Problem != "" {
		what = proof.Problem
	}
	return app.Errorf(app.CodeRefused, "migrate", "%s", what).WithHint("Look at lost & found, then move again.").
		Typed("Look at `coditect-sync lost list`, then move again.")
}

func (m *mover) toCloud(ctx context.Context) error { return m.a.enter(ctx, app.ModeCloud) }

// enter makes a mode the wish and waits until its engine runs, and the other one has returned.
func (a *Agent) enter(ctx context.Context, mode app.Mode) error {
	if mode == app.ModeCloud {
		if err := a.makeFile(ctx); err != nil {
			return err
		}
	}
	var err error
	e := a.do(ctx, func() {
		p := a.core.prefs
		p.Mode, p.PausedUntil = mode, time.Time{}
		if p.DB == "" {
			p.DB = a.cfg.Layout.DB
		}
		err = a.savePrefs(p)
	})
	if e != nil {
		return e
	}
	if err != nil {
		return err
	}
	return a.settle(ctx)
}

// makeFile makes the default file where no file was ever chosen.
func (a *Agent) makeFile(ctx context.Context) error {
	p, err := a.prefs(ctx)
	if err != nil || p.DB != "" {
		return err
	}
	file, err := a.cfg.OpenFile(a.cfg.Layout.DB)
	if err != nil {
		return err
	}
	return file.Create(ctx)
}

// stream waits until this machine has all that the cloud had for it.
func (m *mover) stream(ctx context.Context) error {
	s, release, err := m.a.syncer(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.Push(ctx)
}

func (m *mover) prove(ctx context.Context) error {
	s, release, err := m.a.syncer(ctx)
	if err != nil {
		return err
	}
	defer release()
	proof, err := s.Prove(ctx)
	if err != nil {
		return err
	}
	m.proof = &proof
	if !proof.Equal {
		return unequal(&proof)
	}
	return nil
}

func (m *mover) push(ctx context.Context) error {
	s, release, err := m.a.syncer(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.Push(ctx)
}

func (m *mover) check(ctx context.Context) error {
	p, err := m.a.prefs(ctx)
	if err != nil {
		return err
	}
	storages, shut, err := m.a.openStorages(ctx, p)
	if err != nil {
		return err
	}
	defer func() { _ = closeStorages(storages) }()
	if len(shut) > 0 {
		return shut[0].Error
	}
	for _, storage := range storages {
		if _, err := storage.Probe(ctx); err != nil {
			return err
		}
	}
	return nil
}

// toStandalone stops recording too: nothing would take what is recorded away.
func (m *mover) toStandalone(ctx context.Context) error {
	if err := m.a.enter(ctx, app.ModeStandalone); err != nil {
		return err
	}
	return m.a.withFile(ctx, "migrate", func(f File) error { return f.Unenrol(ctx) })
}

func (m *mover) copy(ctx context.Context) error {
	k, release, err := m.a.keeper(ctx)
	if err != nil {
		return err
	}
	defer release()
	d, err := k.Drill(ctx)
	if err == nil && !d.OK {
		err = app.Errorf(app.CodeFailed, "migrate", "The first copy could not be proved: %s", d.Problem)
	}
	return err
}
