package standalone

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// history is every LTX object a machine has at the target, sorted by MinTXID.
type history []*ltx.FileInfo

// readHistory lists all levels, finest first: what is merged upward and deleted meanwhile is then still seen, in one
// place or the other.
func readHistory(ctx context.Context, client replicaClient) (history, error) {
	var h history
	for level := range levels {
		itr, err := client.LTXFiles(ctx, level, 0, true)
		if err != nil {
			return nil, err
		}
		infos, err := ltx.SliceFileIterator(itr)
		if err != nil {
			return nil, err
		}
		h = append(h, infos...)
	}
	slices.SortStableFunc(h, func(a, b *ltx.FileInfo) int { return cmp.Compare(a.MinTXID, b.MinTXID) })
	return h, nil
}

// without is the history as if the objects were not there.
func (h history) without(bad map[*ltx.FileInfo]bool) history {
	return slices.DeleteFunc(slices.Clone(h), func(f *ltx.FileInfo) bool { return bad[f] })
}

// points are the moments that can be reached, newest first: the ends of objects to which a chain leads.
func (h history) points() []app.RestorePoint {
	byEnd := slices.SortedStableFunc(slices.Values(h), func(a, b *ltx.FileInfo) int { return cmp.Compare(a.MaxTXID, b.MaxTXID) })
	var points []app.RestorePoint
	var end ltx.TXID // the furthest reached; every object that begins right after it or before leads on
	for _, f := range byEnd {
		switch {
		case f.MaxTXID == end:
			points[len(points)-1] = mergedPoint(points[len(points)-1], f)
		case f.MinTXID <= end+1:
			points = append(points, pointOf(f))
			end = f.MaxTXID
		}
	}
	slices.Reverse(points)
	return points
}

func pointOf(f *ltx.FileInfo) app.RestorePoint {
	kind := app.PointMerged
	switch f.Level {
	case 0:
		kind = app.PointChange
	case levels - 1:
		kind = app.PointFull
	}
	return app.RestorePoint{ID: f.MaxTXID.String(), Time: f.CreatedAt, Size: f.Size, Kind: kind}
}

// mergedPoint joins two objects that end at the same TXID. A full copy is recorded later than the change it ends with,
// so the earlier time is when the state was.
func mergedPoint(p app.RestorePoint, f *ltx.FileInfo) app.RestorePoint {
	q := pointOf(f)
	if p.Kind == app.PointFull || p.Kind == app.PointChange && q.Kind == app.PointMerged {
		p, q = q, p
	}
	if p.Time.Before(q.Time) {
		q.Time = p.Time
	}
	return q
}

// plan is the fewest objects that make target, oldest first: from the newest full copy at or before it, always what
// reaches furthest. Nil when no chain leads there.
func (h history) plan(target ltx.TXID) []*ltx.FileInfo {
	var chain []*ltx.FileInfo
	var best *ltx.FileInfo
	end, next := ltx.TXID(0), 0
	for end < target {
		for ; next < len(h) && h[next].MinTXID <= end+1; next++ {
			if f := h[next]; f.MaxTXID <= target && further(f, best) {
				best = f
			}
		}
		if best == nil || best.MaxTXID <= end {
			return nil
		}
		chain, end = append(chain, best), best.MaxTXID
	}
	return chain
}

func further(f, best *ltx.FileInfo) bool {
	return best == nil || f.MaxTXID > best.MaxTXID || f.MaxTXID == best.MaxTXID && f.Size < best.Size
}

// lists tells whether an object of this name is there.
func (h history) lists(f *ltx.FileInfo) bool {
	return slices.ContainsFunc(h, func(o *ltx.FileInfo) bool {
		return o.Level == f.Level && o.MinTXID == f.MinTXID && o.MaxTXID == f.MaxTXID
	})
}

// end is the newest TXID of any object, reachable or not, among those recorded at or before at (zero: of all).
func (h history) end(at time.Time) (end ltx.TXID) {
	for _, f := range h {
		if f.MaxTXID > end && (at.IsZero() || !f.CreatedAt.After(at)) {
			end = f.MaxTXID
		}
	}
	return end
}

// pick finds the point of a moment. A newest point that is not the end of the history means that an object is gone
// from its middle: that is damage, not an older moment to go on with silently.
func (h history) pick(m app.Moment, now time.Time) (app.RestorePoint, error) {
	points := h.points()
	if len(points) == 0 && len(h) > 0 {
		return app.RestorePoint{}, h.gapError(h.end(time.Time{}))
	}
	if len(points) == 0 {
		return app.RestorePoint{}, app.Errorf(app.CodeNotFound, "restore", "There is nothing to restore yet.").
			WithHint("The first point appears with the first copy.")
	}
	switch {
	case m.Point != "":
		return h.pickID(points, m.Point)
	case !m.At.IsZero():
		return h.pickTime(points, m.At, now)
	}
	return points[0], h.gap(points[0], time.Time{})
}

func (h history) pickID(points []app.RestorePoint, id string) (app.RestorePoint, error) {
	txid, err := parsePoint(id)
	if err != nil {
		return app.RestorePoint{}, err
	}
	for _, p := range points {
		if p.ID == txid.String() {
			return p, nil
		}
	}
	if slices.ContainsFunc(h, func(f *ltx.FileInfo) bool { return f.MaxTXID == txid }) {
		return app.RestorePoint{}, h.gapError(txid)
	}
	e := app.Errorf(app.CodeNotFound, "restore", "There is no point %s any more.", id)
	for _, p := range points { // newest first
		if p.ID < txid.String() {
			return p, e.WithHint("The nearest before it is %s of %s.", p.ID, sayTime(p.Time))
		}
	}
	return app.RestorePoint{}, e.WithHint("The oldest is %s.", points[len(points)-1].ID)
}

const pointsHint = "List them with: coditect-sync points" // for who types

// parsePoint reads a TXID as people type it: hexadecimal, leading zeros may be left out.
func parsePoint(id string) (ltx.TXID, error) {
	n, err := strconv.ParseUint(strings.ToLower(strings.TrimSpace(id)), 16, 64)
	if err != nil || n == 0 {
		return 0, app.Errorf(app.CodeInvalid, "restore", "%q is not the id of a point.", id).
			Typed(pointsHint)
	}
	return ltx.TXID(n), nil
}

func (h history) pickTime(points []app.RestorePoint, at, now time.Time) (app.RestorePoint, error) {
	if at.After(now) {
		return app.RestorePoint{}, app.Errorf(app.CodeInvalid, "restore", "%s is in the future.", sayTime(at)).
			WithHint("Without a time the newest point is restored.")
	}
	for _, p := range points {
		if !p.Time.After(at) {
			return p, h.gap(p, at)
		}
	}
	oldest := points[len(points)-1]
	return app.RestorePoint{}, app.Errorf(app.CodeNotFound, "restore", "The history does not go back to %s.", sayTime(at)).
		WithHint("It goes back to %s.", sayTime(oldest.Time))
}

// gap tells when there are objects after p that are part of the moment and cannot be reached.
func (h history) gap(p app.RestorePoint, at time.Time) error {
	if end := h.end(at); end.String() > p.ID {
		return h.gapError(end)
	}
	return nil
}

// gapError names the object whose absence cuts off the end.
func (h history) gapError(end ltx.TXID) error {
	reached := ltx.TXID(0)
	for _, p := range h.points() {
		if txid, err := parsePoint(p.ID); err == nil && txid < end {
			reached = txid
			break
		}
	}
	missing := &ltx.FileInfo{MinTXID: reached + 1, MaxTXID: reached + 1}
	return &damage{object: missing, what: "is missing", wanted: end}
}

// sayTime is a moment as people type it back, to the millisecond where there is one.
func sayTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.999 -07:00") }
