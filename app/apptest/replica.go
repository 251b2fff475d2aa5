package apptest

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Replica = (*FakeReplica)(nil)

// FakeReplica reads the World's target. It lies in this: every point is one object, a time in the future finds the
// newest point (telling the future is its caller's business), and nothing takes time. An empty machine is this one, or
// the target's only one.
//
// Each hook runs first where it is not nil; its error is returned and nothing else happens. Set them before use.
type FakeReplica struct {
	OnList  func() error // Machines, Timeline and Plan
	OnFetch func(plan app.RestorePlan, to string) error

	world  *World
	closed atomic.Bool
}

// Replica reads the World's target.
func (w *World) Replica() *FakeReplica { return &FakeReplica{world: w} }

// Closed tells whether Close was called.
func (r *FakeReplica) Closed() bool { return r.closed.Load() }

// Close implements app.Replica.
func (r *FakeReplica) Close() error {
	r.closed.Store(true)
	return nil
}

func (r *FakeReplica) listed() error {
	if r.OnList == nil {
		return nil
	}
	return r.OnList()
}

// Machines implements app.Replica.
func (r *FakeReplica) Machines(context.Context) ([]app.Machine, error) {
	if err := r.listed(); err != nil {
		return nil, err
	}
	w := r.world
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []app.Machine
	for id, h := range w.history {
		list = append(list, app.Machine{ID: id, User: h.user, This: id == w.machine, MachineInfo: h.info})
	}
	slices.SortFunc(list, func(a, b app.Machine) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// Timeline implements app.Replica.
func (r *FakeReplica) Timeline(_ context.Context, machine string) (app.Timeline, error) {
	if err := r.listed(); err != nil {
		return app.Timeline{}, err
	}
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	id, h, err := r.find(machine)
	if err != nil {
		return app.Timeline{}, err
	}
	line := app.Timeline{Machine: id}
	for _, m := range slices.Backward(h.moments) {
		line.Points = append(line.Points, m.point)
		line.Oldest = m.point.Time
	}
	return line, nil
}

// find is called with the World's mu held.
func (r *FakeReplica) find(machine string) (string, *history, error) {
	w := r.world
	if machine == "" {
		machine = w.machine
		if w.history[machine] == nil && len(w.history) == 1 {
			for id := range w.history {
				machine = id
			}
		}
	}
	if h := w.history[machine]; h != nil {
		return machine, h, nil
	}
	return "", nil, app.Errorf(app.CodeNotFound, "points", "There is no machine %q at the target.", machine)
}

// Plan implements app.Replica.
func (r *FakeReplica) Plan(_ context.Context, machine string, want app.Moment) (app.RestorePlan, error) {
	if err := r.listed(); err != nil {
		return app.RestorePlan{}, err
	}
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	id, h, err := r.find(machine)
	if err != nil {
		return app.RestorePlan{}, err
	}
	for _, m := range slices.Backward(h.moments) {
		if want.Point == m.point.ID || want.Point == "" && (want.At.IsZero() || !m.point.Time.After(want.At)) {
			return app.RestorePlan{
				Machine: id, Point: m.point, Objects: 1, Bytes: m.point.Size, DBBytes: m.point.Size,
			}, nil
		}
	}
	return app.RestorePlan{}, app.Errorf(app.CodeNotFound, "restore", "That restore point is gone.").
		WithHint("Choose one of the points that are there.")
}

// Thinning implements app.Replica. It lies in this: what is older than then reaches goes, and nothing else.
func (r *FakeReplica) Thinning(ctx context.Context, _, then app.Retention, _ []app.RestorePoint) (app.RetentionPlan, error) {
	line, err := r.Timeline(ctx, r.world.machine)
	if err != nil {
		return app.RetentionPlan{}, err
	}
	p := app.RetentionPlan{Wish: then.String(), Moments: len(line.Points), Oldest: line.Oldest, OldestThen: line.Oldest}
	for _, point := range line.Points {
		if r.world.Now().Sub(point.Time) > then.OrDefault()[3] {
			p.Gone, p.Bytes = p.Gone+1, p.Bytes+point.Size
		}
	}
	return p, nil
}

// Fetch implements app.Replica.
func (r *FakeReplica) Fetch(ctx context.Context, plan app.RestorePlan, to string, progress func(done, total int64)) error {
	if r.OnFetch != nil {
		if err := r.OnFetch(plan, to); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return canceled(ctx, "restore")
	}
	rows, err := r.read(plan)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return app.Errorf(app.CodeRefused, "restore", "There is a file %s already.", to)
	}
	if progress != nil {
		progress(plan.Bytes, plan.Bytes)
	}
	if err := writeImage(to, rows); err != nil {
		return app.Errorf(app.CodeFailed, "restore", "The image cannot be written.").Wrap(err)
	}
	return nil
}

// Resume implements app.Replica. It lies in this: half of what is to be read is there if a file is.
func (r *FakeReplica) Resume(ctx context.Context, plan app.RestorePlan, to, _ string, progress func(done, total int64)) (had int64, err error) {
	if os.Remove(to) == nil {
		had = plan.Bytes / 2
	}
	return had, r.Fetch(ctx, plan, to, progress)
}

func (r *FakeReplica) read(plan app.RestorePlan) ([]string, error) {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	_, h, err := r.find(plan.Machine)
	if err != nil {
		return nil, err
	}
	if r.world.damaged[plan.Point.ID] {
		return nil, app.Errorf(app.CodeDamaged, "restore", "The object %s is damaged.", plan.Point.ID)
	}
	for _, m := range h.moments {
		if m.point.ID == plan.Point.ID {
			return m.rows, nil
		}
	}
	return nil, app.Errorf(app.CodeNotFound, "restore", "That restore point is gone.")
}
