package standalone

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// Damage is the cause of a CodeDamaged error: the object at fault, and the point offered instead.
type Damage struct {
	// Object is its path beside machine.json, e.g. ltx/0/0000000000000003-0000000000000003.ltx.
	Object string
	// Good is the newest point that was read whole and in place; zero when none was.
	Good app.RestorePoint
	// Err is what was wrong.
	Err error
}

// Error says what was wrong.
func (d *Damage) Error() string { return d.Object + ": " + d.Err.Error() }

// Unwrap returns what was wrong.
func (d *Damage) Unwrap() error { return d.Err }

// damage is one object that is not what it should be.
type damage struct {
	object *ltx.FileInfo
	what   string // predicate of a sentence about the object
	err    error
	wanted ltx.TXID // the point that could not be made, where the plan did not come about
}

func (d *damage) Error() string {
	if d.err != nil {
		return fmt.Sprintf("the object %s %s: %v", objectName(d.object), d.what, d.err)
	}
	return fmt.Sprintf("the object %s %s", objectName(d.object), d.what)
}

func (d *damage) Unwrap() error { return d.err }

func objectName(f *ltx.FileInfo) string {
	return fmt.Sprintf("%s/%d/%s", ltxDir, f.Level, ltx.FormatFilename(f.MinTXID, f.MaxTXID))
}

// maxSearches bounds how many damaged objects are passed over before giving up.
const maxSearches = 64

// explain makes the Error of a failed plan or fetch; for a damaged object with the newest good point in it.
func (r *Replica) explain(ctx context.Context, p *planned, err error) error {
	found, ok := errors.AsType[*damage](err)
	if !ok {
		return asError("restore", err)
	}
	if p.point == 0 {
		p.point = found.wanted
	}
	good, err := r.newestGood(ctx, p, found)
	if err != nil {
		return classify("restore", err)
	}
	cause := &Damage{Object: objectName(found.object), Err: found}
	e := app.Errorf(app.CodeDamaged, "restore", "The object %s %s.", cause.Object, found.what)
	if good == nil {
		return e.WithHint("No other point of this machine can be restored.").Wrap(cause)
	}
	cause.Good = *good
	e.Message += fmt.Sprintf(" The newest good point is %s of %s.", good.ID, sayTime(good.Time))
	return e.WithHint("Choose that one.").Typed("Restore it with --point %s.", good.ID).Wrap(cause)
}

// newestGood finds the newest point up to the planned one that really can be made, or the oldest after it. It reads
// every plan it tries to its end, and never offers what Plan and Fetch would not do. Nil when there is none.
func (r *Replica) newestGood(ctx context.Context, p *planned, found *damage) (*app.RestorePoint, error) {
	bad := map[*ltx.FileInfo]bool{found.object: true}
	for range maxSearches {
		point, objects := r.candidate(p, bad)
		if point == nil {
			return nil, nil
		}
		err := r.assembly(p.machine, p.history, objects).run(ctx, nil)
		if err == nil {
			return point, nil
		}
		again, ok := errors.AsType[*damage](err)
		if !ok {
			return nil, err
		}
		bad[again.object] = true
	}
	return nil, nil
}

// candidate is the next best point whose plan has no object known to be bad.
func (r *Replica) candidate(p *planned, bad map[*ltx.FileInfo]bool) (*app.RestorePoint, []*ltx.FileInfo) {
	h := p.history
	if r.cfg.WorkAround {
		h = h.without(bad)
	}
	for _, point := range byPreference(h.points(), p.point) {
		txid, err := ltx.ParseTXID(point.ID)
		if err != nil {
			continue
		}
		objects := h.plan(txid)
		if !slices.ContainsFunc(objects, func(f *ltx.FileInfo) bool { return bad[f] }) {
			return &point, objects
		}
	}
	return nil, nil
}

// byPreference puts points, newest first, in the order they are offered: backward from wanted, then forward from it.
func byPreference(points []app.RestorePoint, wanted ltx.TXID) []app.RestorePoint {
	i := slices.IndexFunc(points, func(p app.RestorePoint) bool { return p.ID <= wanted.String() })
	if i < 0 {
		i = len(points)
	}
	after := slices.Clone(points[:i])
	slices.Reverse(after)
	return append(slices.Clone(points[i:]), after...)
}

// workAround changes a plan so that it makes the same point without the damaged object, if there is another way and
// the point was asked for by its id. It tells whether it did.
func (r *Replica) workAround(p *planned, err error) bool {
	found, ok := errors.AsType[*damage](err)
	if !ok || !r.cfg.WorkAround || !p.byID || len(p.bad) == maxSearches {
		return false
	}
	if p.bad == nil {
		p.bad = map[*ltx.FileInfo]bool{}
	}
	p.bad[found.object] = true
	objects := p.history.without(p.bad).plan(p.point)
	if objects == nil {
		return false
	}
	r.log.Warn("going around a damaged object", "object", objectName(found.object), "error", err)
	p.objects = objects
	return true
}
