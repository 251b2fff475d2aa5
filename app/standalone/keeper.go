package standalone

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// LocalFile is what the engine needs of the live file.
type LocalFile interface {
	app.File
	// Quiesce waits until this process has no connection to the file and holds new ones back until release.
	Quiesce(ctx context.Context) (release func(), err error)
}

// KeeperConfig configures a Keeper. All fields without a default must be set.
type KeeperConfig struct {
	File    LocalFile
	Target  *Target
	User    string
	Machine string
	// Lineage names the history that is written, for which this machine takes the lease; empty means none is taken.
	Lineage string
	// Host is what people call this machine.
	Host string
	// Info is the content of machine.json; called whenever it is written.
	Info func(ctx context.Context) app.MachineInfo
	// Known is what was known when the engine last ran: the last drill and what was replicated.
	Known app.StandaloneStatus
	// Also are further targets, each of which holds the whole history, too.
	Also []Another
	// Pins are points that thinning must keep restorable.
	Pins func() []app.RestorePoint
	// Retention is what thinning goes by, asked whenever it does; the default when nil.
	Retention func() app.Retention
	// Tmp is a directory for test restores; it needs room for the file.
	Tmp string
	// OnPower tells that the machine runs on its battery or a metered network: scheduled drills then wait. May be nil.
	Saving func() bool
	// StopTimeout limits the final flush; 10 s by default.
	StopTimeout time.Duration
	Logger      *slog.Logger
	Now         func() time.Time
	// Uptime is how long the process has run, by a clock that nobody sets; by Now where only that is given.
	Uptime func() time.Duration
}

// Another is a further target of a Keeper, and what is known of it.
type Another struct {
	Target *Target
	Known  app.StandaloneStatus
}

// Keeper replicates one file to its targets: the Engine of standalone mode. See the package documentation.
type Keeper struct {
	cfg     KeeperConfig
	outlets []*outlet // of its targets

	mu      sync.Mutex
	session *session
	ready   chan struct{} // closed while session is set
	reports reports
}

// NewKeeper returns a Keeper that does nothing until Run.
func NewKeeper(cfg KeeperConfig) *Keeper {
	if cfg.Now == nil {
		cfg.Now = time.Now // which knows what nobody sets, too
	}
	if began := cfg.Now(); cfg.Uptime == nil {
		cfg.Uptime = func() time.Duration { return cfg.Now().Sub(began) }
	}
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 10 * time.Second
	}
	k := &Keeper{cfg: cfg, ready: make(chan struct{})}
	for _, t := range append([]Another{{cfg.Target, cfg.Known}}, cfg.Also...) {
		k.outlets = append(k.outlets, newOutlet(&k.cfg, t.Target, t.Known))
	}
	k.cfg.Target = k.outlets[0].target
	return k
}

var _ app.Keeper = (*Keeper)(nil)

// errReopen ends a session whose file was replaced or whose local state was lost; the next one begins anew.
var errReopen = errors.New("reopen")

// errAside ends a session that could not go on after it had stepped aside, or that was opened on a disk which could only
// be read then. The next one begins as after any pause.
var errAside = errors.New("stepped aside")

// Run implements app.Engine. It returns nil after ctx ended and the final flush was done or ran out of time, and an
// *app.Error when the file cannot be replicated at all (missing, not a database).
func (k *Keeper) Run(ctx context.Context, report func(app.Report)) error {
	defer k.onChange(nil)
	release, err := lockWriter(metaDir(k.cfg.File.Path()))
	if err != nil {
		return err
	}
	defer release()
	if err := k.beginPrimary(ctx); err != nil {
		return err
	}
	rebase := ""
	for {
		s, err := k.open(ctx, rebase)
		if err != nil && ctx.Err() != nil {
			return nil // nothing was begun
		} else if err != nil {
			return err
		}
		k.onChange(report)
		err = s.run(ctx)
		switch {
		case errors.Is(err, errAside):
			rebase = ""
		case errors.Is(err, errReopen):
			rebase = err.Error()
		default:
			return err
		}
	}
}

// beginPrimary fails where another machine is the primary everywhere, before the file is touched. A target that does not answer is
// no reason: nothing is sent to it before it does.
func (k *Keeper) beginPrimary(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	errs := make([]error, len(k.outlets))
	var wg sync.WaitGroup
	for i, p := range k.outlets {
		wg.Go(func() { errs[i] = p.primary.hold(ctx) })
	}
	wg.Wait()
	for _, err := range errs {
		if !errors.Is(err, errNotPrimary) {
			return nil
		}
	}
	return errs[0]
}

// metaDir is the folder beside a database that Litestream keeps its state in.
func metaDir(db string) string { return litestream.NewDB(db).MetaPath() }

// open starts a session and makes it the one that Flush, Mark and Drill use.
func (k *Keeper) open(ctx context.Context, rebase string) (*session, error) {
	if _, err := os.Stat(k.cfg.File.Path()); err != nil {
		return nil, fileMissing(k.cfg.File.Path(), err)
	}
	s, err := newSession(ctx, k, rebase)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.session = s
	for _, sh := range s.ships {
		sh.status.measure(sh.index.stored)
	}
	close(k.ready)
	return s, nil
}

// interval is how often changes are captured: as often as the target wants that is paid by the change.
func (k *Keeper) interval() (d time.Duration) {
	for _, p := range k.outlets {
		d = max(d, p.target.Interval())
	}
	return d
}

func (k *Keeper) closed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.session = nil
	k.ready = make(chan struct{})
}

// current waits for the running session.
func (k *Keeper) current(ctx context.Context) (*session, error) {
	for {
		k.mu.Lock()
		s, ready := k.session, k.ready
		k.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, app.Errorf(app.CodeCanceled, "flush", "The copying has not begun yet.").
				WithHint("Home says what it waits for.").Typed("`coditect-sync status` says what it waits for.").Wrap(ctx.Err())
		}
	}
}

// Flush implements app.Keeper.
func (k *Keeper) Flush(ctx context.Context) (app.RestorePoint, error) { return k.flush(ctx) }

// Mark implements app.Keeper.
func (k *Keeper) Mark(ctx context.Context) (app.RestorePoint, error) { return k.flush(ctx) }

// flush begins once more with the next session when the one it began with ended.
func (k *Keeper) flush(ctx context.Context) (app.RestorePoint, error) {
	return k.flushBy(ctx, (*session).flush)
}

// flushTo does it for one target.
func (k *Keeper) flushTo(ctx context.Context, to *outlet) (app.RestorePoint, error) {
	return k.flushBy(ctx, func(s *session, ctx context.Context) (app.RestorePoint, error) {
		i := slices.IndexFunc(s.ships, func(sh *shipper) bool { return sh.outlet == to })
		return s.ships[i].flush(ctx)
	})
}

func (k *Keeper) flushBy(ctx context.Context, flush func(*session, context.Context) (app.RestorePoint, error)) (app.RestorePoint, error) {
	for {
		s, err := k.current(ctx)
		if err != nil {
			return app.RestorePoint{}, err
		}
		point, err := flush(s, ctx)
		if !errors.Is(err, errAside) && !errors.Is(err, errUnproved) {
			return point, err
		}
		if err := s.over(ctx); err != nil {
			return app.RestorePoint{}, err
		}
	}
}

// over waits for the end of a session that has ended, and not at all for another.
func (s *session) over(ctx context.Context) error {
	s.capturing.Lock()
	ended := s.ended
	s.capturing.Unlock()
	if !ended {
		return nil
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return classify("flush", ctx.Err())
	}
}

// flush captures and sends to this target.
func (s *shipper) flush(ctx context.Context) (app.RestorePoint, error) {
	if err := s.capture(ctx); err != nil {
		return app.RestorePoint{}, err
	}
	return s.send(ctx)
}

// send sends what is captured.
func (s *shipper) send(ctx context.Context) (app.RestorePoint, error) {
	if err := s.ship(ctx); errors.Is(err, errUnproved) {
		return app.RestorePoint{}, err
	} else if err != nil {
		return app.RestorePoint{}, classify("flush", err)
	}
	return s.point(ctx)
}

// point is the newest point at the target.
func (s *shipper) point(ctx context.Context) (app.RestorePoint, error) {
	files, err := s.index.list(ctx, 0)
	if err != nil {
		return app.RestorePoint{}, classify("flush", err)
	}
	if len(files) == 0 {
		return app.RestorePoint{}, app.Errorf(app.CodeFailed, "flush", "Nothing was copied yet.").
			WithHint("Home says what it waits for.").Typed("`coditect-sync status` says what it waits for.")
	}
	f := files[len(files)-1]
	return app.RestorePoint{ID: f.MaxTXID.String(), Time: f.CreatedAt, Size: f.Size, Kind: app.PointChange}, nil
}

// pins are the points that are pinned at a time.
func (k *Keeper) pins(at time.Time) []ltx.TXID {
	if k.cfg.Pins == nil {
		return nil
	}
	return pinned(k.cfg.Pins(), at)
}

func fileMissing(path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return app.Errorf(app.CodeNotFound, "file", "%s is no longer where it was.", path).
			WithHint("Restore it, or say where it is now.").
			Typed("Restore it with `coditect-sync restore`, or say where it is now with `coditect-sync setup --db FILE`.").Wrap(err)
	}
	return app.Errorf(app.CodeDenied, "file", "%s cannot be read.", path).WithHint("Check the permissions of the file and its folder.").Wrap(err)
}
