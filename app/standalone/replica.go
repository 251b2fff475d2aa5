package standalone

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// ReplicaConfig configures a Replica.
type ReplicaConfig struct {
	Target *Target
	User   string
	// Machine is the id of this machine.
	Machine string
	Logger  *slog.Logger
	// WorkAround lets a Fetch of a point that was asked for by its id go around damaged objects where others hold the
	// same changes. Without it every damage is an error: a test restore must not be better than what is there.
	WorkAround bool
	// Known is the newest point that this machine knows to have copied; zero for none. A sealed target that holds less is
	// not restored from as if it were the newest.
	Known app.RestorePoint
	// Now is the clock that the future is judged by; time.Now by default.
	Now func() time.Time
}

// Replica reads what a target holds for one user. It needs no engine, and sees the target as it is.
type Replica struct {
	cfg ReplicaConfig
	log *slog.Logger

	mu   sync.Mutex
	last *planned // for the Fetch that follows a Plan
}

// planned is what a plan stands on.
type planned struct {
	machine string
	point   ltx.TXID
	byID    bool // the point was asked for by its id
	history history
	objects []*ltx.FileInfo
	bad     map[*ltx.FileInfo]bool // what the objects avoid
}

var _ app.Replica = (*Replica)(nil)

// NewReplica returns a Replica; it asks nothing of the target yet.
func NewReplica(cfg ReplicaConfig) *Replica {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Replica{cfg: cfg, log: cfg.Logger}
}

// Machines lists the machines seen at the target, sorted by id.
func (r *Replica) Machines(ctx context.Context) ([]app.Machine, error) {
	machines, err := r.cfg.Target.Machines(ctx, r.cfg.User)
	for i := range machines {
		machines[i].This = machines[i].ID == r.cfg.Machine
	}
	return machines, err
}

// Timeline lists the points of a machine, newest first.
func (r *Replica) Timeline(ctx context.Context, machine string) (app.Timeline, error) {
	machine, h, err := r.history(ctx, machine)
	if err != nil {
		return app.Timeline{}, asError("points", err)
	}
	tl := app.Timeline{Machine: machine, Points: h.points()}
	for i := range tl.Points {
		tl.Points[i].Size = r.cfg.Target.storedSize(tl.Points[i].Size)
	}
	if n := len(tl.Points); n > 0 {
		tl.Oldest = tl.Points[n-1].Time
	}
	return tl, nil
}

// Plan finds the objects that make the moment, without reading more than the newest one's header.
func (r *Replica) Plan(ctx context.Context, machine string, m app.Moment) (app.RestorePlan, error) {
	if m.Point != "" && !m.At.IsZero() {
		return app.RestorePlan{}, app.Errorf(app.CodeInvalid, "restore", "A point and a time were both given.").WithHint("Give one of them.")
	}
	p, point, err := r.plan(ctx, machine, m)
	if err != nil {
		return app.RestorePlan{}, err
	}
	hdr, err := r.lastHeader(ctx, p)
	for tries := 0; err != nil; tries++ {
		next, at, planErr := r.anew(ctx, machine, m, err, tries)
		if planErr != nil {
			return app.RestorePlan{}, planErr
		}
		if next == nil {
			return app.RestorePlan{}, r.explain(ctx, p, err)
		}
		p, point = next, at
		hdr, err = r.lastHeader(ctx, p)
	}
	r.mu.Lock()
	r.last = p
	r.mu.Unlock()
	return app.RestorePlan{
		Machine: p.machine, Point: point, Objects: len(p.objects), Bytes: r.bytes(p),
		DBBytes: int64(hdr.Commit) * int64(hdr.PageSize),
	}, nil
}

// lastHeader reads the header of the plan's last object.
func (r *Replica) lastHeader(ctx context.Context, p *planned) (ltx.Header, error) {
	for {
		hdr, err := readHeader(ctx, r.client(p.machine), p.objects[len(p.objects)-1])
		if err == nil || !r.workAround(p, err) {
			return hdr, err
		}
	}
}

func isGone(err error) bool {
	found, ok := errors.AsType[*damage](err)
	return ok && found.what == isMissing
}

// anew plans once more where an object is gone that was listed: the engine merged or thinned meanwhile, and may have done so
// several times where it is busy. Nil where that is not it, and the object is listed still.
func (r *Replica) anew(ctx context.Context, machine string, m app.Moment, gone error, tries int) (*planned, app.RestorePoint, error) {
	if !isGone(gone) || tries == maxSearches {
		return nil, app.RestorePoint{}, nil
	}
	found, _ := errors.AsType[*damage](gone)
	p, point, err := r.plan(ctx, machine, m)
	if err != nil || p.history.lists(found.object) {
		return nil, app.RestorePoint{}, err
	}
	return p, point, nil
}

// bytes is how much is fetched.
func (r *Replica) bytes(p *planned) (n int64) {
	for _, f := range p.objects {
		n += r.cfg.Target.storedSize(f.Size)
	}
	return n
}

func (r *Replica) plan(ctx context.Context, machine string, m app.Moment) (*planned, app.RestorePoint, error) {
	machine, h, err := r.history(ctx, machine)
	if err != nil {
		return nil, app.RestorePoint{}, asError("restore", err)
	}
	p := &planned{machine: machine, history: h, byID: m.Point != ""}
	point, err := h.pick(m, r.cfg.Now())
	if r.cfg.Target.sealed() != nil && !p.byID && h.endsWith(point) {
		if err := r.refuseOld(ctx, machine, h, point); err != nil {
			return nil, app.RestorePoint{}, asError("restore", err)
		}
	}
	if err != nil {
		return nil, app.RestorePoint{}, r.explain(ctx, p, err)
	}
	if p.point, err = ltx.ParseTXID(point.ID); err != nil {
		return nil, app.RestorePoint{}, asError("restore", err)
	}
	if p.objects = h.plan(p.point); p.objects == nil {
		return nil, app.RestorePoint{}, app.Errorf(app.CodeFailed, "restore", "No objects lead to the point %s.", point.ID).
			Typed(pointsHint)
	}
	return p, point, nil
}

// Fetch writes the plan's image to a new file, whole and durable, or leaves nothing. When the engine merged or thinned
// objects since the plan was made, it plans the same point again.
func (r *Replica) Fetch(ctx context.Context, plan app.RestorePlan, to string, progress func(done, total int64)) error {
	return r.making(ctx, plan, func(p *planned) error {
		a := r.assembly(p.machine, p.history, p.objects)
		a.progress = progress
		return a.fetch(ctx, to)
	})
}

// making plans what make is to make, and again while there is another way.
func (r *Replica) making(ctx context.Context, plan app.RestorePlan, make func(*planned) error) error {
	same := app.Moment{Point: plan.Point.ID}
	p := r.planned(plan)
	if p == nil {
		var err error
		if p, _, err = r.plan(ctx, plan.Machine, same); err != nil {
			return err
		}
	}
	for tries := 0; ; tries++ {
		err := make(p)
		if err == nil {
			return nil
		}
		next, _, planErr := r.anew(ctx, plan.Machine, same, err, tries)
		switch {
		case planErr != nil:
			return planErr
		case next != nil:
			p = next
		case !r.workAround(p, err):
			return r.explain(ctx, p, err)
		}
	}
}

func (r *Replica) assembly(machine string, h history, objects []*ltx.FileInfo) *assembly {
	return &assembly{client: r.client(machine), node: nodeID(machine), history: h, objects: objects, laterRoom: laterMost}
}

// planned returns what the last Plan found, if this is its plan.
func (r *Replica) planned(plan app.RestorePlan) *planned {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.last.machine != plan.Machine || r.last.point.String() != plan.Point.ID {
		return nil
	}
	p := *r.last // a fetch may change it
	p.bad = maps.Clone(p.bad)
	return &p
}

func (r *Replica) client(machine string) replicaClient {
	return r.cfg.Target.ReplicaClient(r.cfg.User, machine)
}

// Close has nothing to end: the Target belongs to the caller.
func (r *Replica) Close() error { return nil }
