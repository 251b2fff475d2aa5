package agent

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// othersLimit is how long the other targets may take to answer once one has: no moment is worth a long look at one that
	// is away.
	othersLimit = 10 * time.Second
	// sameMoment is by how much the times of one point differ between targets: some keep whole seconds.
	sameMoment = 2 * time.Second
)

// sources reads several targets as one. A point is the same at two of them where its id and its time are: a target may hold
// points of another history, from before it was set up for this one.
type sources struct {
	of      []source
	machine string            // this one
	shut    []app.TargetFault // what cannot be opened
	pointAt time.Time         // when the point is of that Plan is asked for, where that is known

	mu    sync.Mutex
	plans map[string]app.RestorePlan // of the last Plan, by target
	read  string                     // where the last image came from
	away  []app.TargetFault          // what could not be asked, or read

	thinned []answer[app.RetentionPlan] // of the last Thinning
}

// source is one target of several.
type source struct {
	target string
	app.Replica
}

var _ app.Replica = (*sources)(nil)

// answer is what one target said.
type answer[T any] struct {
	target string
	value  T
	err    error
}

// askAll asks the targets at the same time and returns what they said, in their order; those that could not be asked are
// noted. It fails with the first error where none answers.
func askAll[T any](ctx context.Context, s *sources, ask func(context.Context, app.Replica) (T, error)) ([]answer[T], error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	said := make(chan answer[T], len(s.of))
	for _, one := range s.of {
		go func() {
			value, err := ask(ctx, one.Replica)
			said <- answer[T]{one.target, value, err}
		}()
	}
	var late <-chan time.Time
	all := map[string]answer[T]{}
	for range s.of {
		var a answer[T]
		select {
		case a = <-said:
		case <-late:
			cancel() // who has not answered by now does so with that
			a = <-said
		}
		if all[a.target] = a; a.err == nil && late == nil {
			late = time.After(othersLimit)
		}
	}
	return answered(s, all)
}

// answered notes who could not be asked. The error is for none that could; that one is away counts more than that another
// holds nothing.
func answered[T any](s *sources, all map[string]answer[T]) (ok []answer[T], err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = slices.Clone(s.shut)
	for _, one := range s.of {
		a := all[one.target]
		if a.err == nil {
			ok = append(ok, a)
			continue
		}
		s.away = append(s.away, app.TargetFault{Target: a.target, Error: app.AsError("restore", a.err)})
		if err == nil || app.CodeOf(err) == app.CodeNotFound {
			err = a.err
		}
	}
	if len(ok) > 0 {
		return ok, nil
	}
	return nil, err
}

// narrow has only one of the targets read, if it is one of them.
func (s *sources) narrow(target string) error {
	i := slices.IndexFunc(s.of, func(one source) bool { return plainURL(one.target) == plainURL(target) })
	if i < 0 {
		return noTarget(target)
	}
	for j, one := range s.of {
		if j != i {
			if err := one.Close(); err != nil {
				return err
			}
		}
	}
	s.of = s.of[i : i+1]
	return nil
}

func noTarget(target string) error {
	return app.Errorf(app.CodeNotFound, "restore", "Nothing is copied to %s.", target).Typed("`coditect-sync target` lists the storages.")
}

func (s *sources) missing() []app.TargetFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.away)
}

// Machines implements app.Replica. What the target says that heard of a machine last is said of it.
func (s *sources) Machines(ctx context.Context) ([]app.Machine, error) {
	all, err := askAll(ctx, s, func(ctx context.Context, r app.Replica) ([]app.Machine, error) { return r.Machines(ctx) })
	if err != nil {
		return nil, err
	}
	byID := map[string]app.Machine{}
	for _, a := range all {
		for _, m := range a.value {
			is, known := byID[m.ID]
			if known && is.LastReplicated.After(m.LastReplicated) {
				is, m = m, is
			}
			if known && !m.Primary {
				m.Primary, m.PrimarySince = is.Primary, is.PrimarySince
			}
			byID[m.ID] = m
		}
	}
	var out []app.Machine
	for _, m := range byID {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b app.Machine) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// Timeline implements app.Replica.
func (s *sources) Timeline(ctx context.Context, machine string) (app.Timeline, error) {
	all, err := askAll(ctx, s, func(ctx context.Context, r app.Replica) (app.Timeline, error) { return r.Timeline(ctx, machine) })
	if err != nil {
		return app.Timeline{}, err
	}
	out := app.Timeline{Missing: s.missing()}
	if out.Machine, err = s.oneMachine(all); err != nil {
		return app.Timeline{}, err
	}
	for _, a := range all {
		if a.value.Machine == out.Machine {
			out.Points = mergePoints(out.Points, a.value.Points, a.target)
		}
	}
	if n := len(out.Points); n > 0 {
		out.Oldest = out.Points[n-1].Time
	}
	return out, nil
}

// oneMachine is the machine whose points are shown: this one, else the only one that any target holds.
func (s *sources) oneMachine(all []answer[app.Timeline]) (string, error) {
	found := ""
	for _, a := range all {
		switch id := a.value.Machine; {
		case len(a.value.Points) == 0 && found != "":
		case id == s.machine && len(a.value.Points) > 0, found == "":
			found = id
		case found != id && found != s.machine:
			return "", app.Errorf(app.CodeInvalid, "which machine", "Your storages hold copies of several machines.").
				WithHint("Say which one.").Typed("Say which one with --machine; `coditect-sync machines` lists them.")
		}
	}
	return found, nil
}

// mergePoints adds the points of a target, newest first.
func mergePoints(all, more []app.RestorePoint, target string) []app.RestorePoint {
	byID := map[string][]int{}
	for i, p := range all {
		byID[p.ID] = append(byID[p.ID], i)
	}
	for _, p := range more {
		i := slices.IndexFunc(byID[p.ID], func(i int) bool { return samePoint(all[i], p) })
		if i >= 0 {
			is := &all[byID[p.ID][i]]
			is.Targets = append(is.Targets, target)
			continue
		}
		p.Targets = []string{target}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b app.RestorePoint) int { return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.ID, a.ID)) })
	return all
}

func samePoint(a, b app.RestorePoint) bool {
	return a.ID == b.ID && a.Time.Sub(b.Time).Abs() <= sameMoment
}

// Plan implements app.Replica: of the targets that reach the moment it chooses the one that reaches it best, and of those
// that do so equally the one that is read soonest.
func (s *sources) Plan(ctx context.Context, machine string, m app.Moment) (app.RestorePlan, error) {
	all, err := askAll(ctx, s, func(ctx context.Context, r app.Replica) (app.RestorePlan, error) { return r.Plan(ctx, machine, m) })
	if err != nil {
		return app.RestorePlan{}, err
	}
	plans := map[string]app.RestorePlan{}
	var best app.RestorePlan
	for _, a := range s.meant(all) {
		a.value.Target = a.target
		plans[a.target] = a.value
		if best.Target != "" && m.Point != "" && best.Machine == a.value.Machine && !samePoint(best.Point, a.value.Point) {
			return app.RestorePlan{}, twoPoints(best, a.value)
		}
		if best.Target == "" || s.better(a.value, best, m) {
			best = a.value
		}
	}
	s.mu.Lock()
	s.plans, s.read = plans, ""
	s.mu.Unlock()
	best.Missing = s.missing()
	return best, nil
}

// meant are the plans of the point that is of the time that is known, where there are any.
func (s *sources) meant(all []answer[app.RestorePlan]) []answer[app.RestorePlan] {
	if s.pointAt.IsZero() {
		return all
	}
	var out []answer[app.RestorePlan]
	for _, a := range all {
		if a.value.Point.Time.Sub(s.pointAt).Abs() <= sameMoment {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// opWhichPoint is the Op of errors that say that a number means several moments.
const opWhichPoint = "which point"

// twoPoints refuses a number that means two moments: which of them would be restored is nothing to guess.
func twoPoints(a, b app.RestorePlan) error {
	const layout = "2 Jan 2006 15:04:05"
	return app.Errorf(app.CodeInvalid, opWhichPoint, "Two storages have a point %s, and not the same one: %s of %s, %s of %s.", a.Point.ID,
		a.Target, a.Point.Time.Local().Format(layout), b.Target, b.Point.Time.Local().Format(layout)).
		WithHint("Say from which storage.").Typed("Say from which storage with --from URL.")
}

// better compares the plans of two targets, of which b was named first.
func (s *sources) better(a, b app.RestorePlan, m app.Moment) bool {
	if a.Machine != b.Machine {
		return a.Machine == s.machine
	}
	if !samePoint(a.Point, b.Point) {
		return m.Point == "" && a.Point.Time.After(b.Point.Time)
	}
	if near := isHere(a.Target); near != isHere(b.Target) {
		return near
	}
	if free := isFolder(a.Target); free != isFolder(b.Target) {
		return free
	}
	return a.Bytes < b.Bytes
}

// Fetch implements app.Replica. Where the plan's target fails, the others are read that hold the same point.
func (s *sources) Fetch(ctx context.Context, plan app.RestorePlan, to string, progress func(done, total int64)) error {
	return s.inTurn(ctx, plan, func(r app.Replica, plan app.RestorePlan) error { return r.Fetch(ctx, plan, to, progress) })
}

// Resume implements app.Replica. What was fetched from one target is not gone on with at another.
func (s *sources) Resume(ctx context.Context, plan app.RestorePlan, to, notes string, progress func(done, total int64)) (had int64, err error) {
	err = s.inTurn(ctx, plan, func(r app.Replica, one app.RestorePlan) (err error) {
		if one.Target == plan.Target {
			had, err = r.Resume(ctx, one, to, notes, progress)
			return err
		}
		if err := removeAll(to, notes); err != nil {
			return err
		}
		had = 0
		if _, err = r.Resume(ctx, one, to, notes, progress); err != nil {
			return errors.Join(err, removeAll(to, notes))
		}
		return removeAll(notes)
	})
	return had, err
}

func removeAll(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return app.AsError("restore", err)
		}
	}
	return nil
}

// inTurn reads the plan's target, and then those that hold the same point. The error is that of the first.
func (s *sources) inTurn(ctx context.Context, plan app.RestorePlan, read func(app.Replica, app.RestorePlan) error) error {
	first := s.try(plan.Target, plan, read)
	if first == nil || ctx.Err() != nil || !elsewhere(first) {
		return first
	}
	for _, one := range s.of {
		if one.target == plan.Target {
			continue
		}
		other, err := s.planOf(ctx, one, plan)
		if err != nil || !samePoint(other.Point, plan.Point) {
			continue
		}
		if s.try(one.target, other, read) == nil {
			return nil
		}
		if ctx.Err() != nil {
			return app.AsError("restore", ctx.Err())
		}
	}
	return first
}

// elsewhere tells that another target may do better.
func elsewhere(err error) bool {
	switch app.CodeOf(err) {
	case app.CodeCanceled, app.CodeNoSpace, app.CodeInvalid:
		return false
	}
	return true
}

// planOf is a target's plan of the same point: that of the last look, or a new one.
func (s *sources) planOf(ctx context.Context, one source, plan app.RestorePlan) (app.RestorePlan, error) {
	s.mu.Lock()
	other, ok := s.plans[one.target]
	s.mu.Unlock()
	if ok && samePoint(other.Point, plan.Point) {
		return other, nil
	}
	other, err := one.Plan(ctx, plan.Machine, app.Moment{Point: plan.Point.ID})
	other.Target = one.target
	return other, err
}

// try reads one target, and notes whether that worked.
func (s *sources) try(target string, plan app.RestorePlan, read func(app.Replica, app.RestorePlan) error) error {
	i := slices.IndexFunc(s.of, func(one source) bool { return one.target == target })
	if i < 0 {
		i, target = 0, s.of[0].target
	}
	err := read(s.of[i].Replica, plan)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.read = target
	} else {
		s.away = append(s.away, app.TargetFault{Target: target, Error: app.AsError("restore", err)})
	}
	return err
}

// Thinning implements app.Replica. A moment counts once however many targets hold it; bytes count at each.
func (s *sources) Thinning(ctx context.Context, now, then app.Retention, pins []app.RestorePoint) (app.RetentionPlan, error) {
	all, err := askAll(ctx, s, func(ctx context.Context, r app.Replica) (app.RetentionPlan, error) {
		return r.Thinning(ctx, now, then, pins)
	})
	if err != nil {
		return app.RetentionPlan{}, err
	}
	out := all[0].value
	s.thinned = all
	for _, a := range all[1:] {
		p := a.value
		out.Moments, out.Gone = max(out.Moments, p.Moments), max(out.Gone, p.Gone)
		out.Bytes, out.Stored, out.StoredThen = out.Bytes+p.Bytes, out.Stored+p.Stored, out.StoredThen+p.StoredThen
		out.Oldest, out.OldestThen = earlier(out.Oldest, p.Oldest), earlier(out.OldestThen, p.OldestThen)
	}
	return out, nil
}

// earlier is the earlier of two times, of which zero says nothing.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Close implements app.Replica.
func (s *sources) Close() (err error) {
	for _, one := range s.of {
		err = errors.Join(err, one.Close())
	}
	return err
}

// readFrom says of the last image which target it came from, where there are several, and which could not be read.
func readFrom(r app.Replica) (target string, missing []app.TargetFault) {
	s, ok := r.(*sources)
	if !ok {
		return "", nil
	}
	missing = s.missing()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read, missing
}
