package standalone

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
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
}

// Keeper replicates one file to one target: the Engine of standalone mode. See the package documentation.
type Keeper struct {
	cfg     KeeperConfig
	replica app.Replica

	mu      sync.Mutex
	session *session
	ready   chan struct{} // closed while session is set
	drill   sync.Mutex    // one drill at a time
	status  statusKeeper
	primary *primary
}

// NewKeeper returns a Keeper that does nothing until Run.
func NewKeeper(cfg KeeperConfig) *Keeper {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 10 * time.Second
	}
	k := &Keeper{cfg: cfg, ready: make(chan struct{})}
	cfg.Target = cfg.Target.metered(&k.status.meter)
	k.cfg.Target = cfg.Target
	k.replica = NewReplica(ReplicaConfig{Target: cfg.Target, User: cfg.User, Machine: cfg.Machine, Logger: cfg.Logger})
	k.primary = &primary{
		t: cfg.Target, user: cfg.User, lineage: cfg.Lineage, machine: cfg.Machine, host: cfg.Host,
		note: filepath.Join(metaDir(cfg.File.Path()), "lease"), now: cfg.Now,
	}
	k.status.now = cfg.Now
	k.status.init(cfg.Known, cfg.Target.URL())
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
	defer k.status.onChange(nil)
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
		k.status.onChange(report)
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

// beginPrimary fails where another machine is the primary, before the file is touched. A target that does not answer is
// no reason: nothing is sent to it before it does.
func (k *Keeper) beginPrimary(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := k.primary.hold(ctx); errors.Is(err, errNotPrimary) {
		return err
	}
	return nil
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
	k.status.measure(s.index.stored)
	close(k.ready)
	return s, nil
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
				WithHint("`coditect-sync status` says what it waits for.").Wrap(ctx.Err())
		}
	}
}

// Flush implements app.Keeper.
func (k *Keeper) Flush(ctx context.Context) (app.RestorePoint, error) { return k.flush(ctx) }

// Mark implements app.Keeper.
func (k *Keeper) Mark(ctx context.Context) (app.RestorePoint, error) { return k.flush(ctx) }

// flush begins once more with the next session when the one it began with ended.
func (k *Keeper) flush(ctx context.Context) (app.RestorePoint, error) {
	for {
		s, err := k.current(ctx)
		if err != nil {
			return app.RestorePoint{}, err
		}
		point, err := s.flush(ctx)
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

func (s *session) flush(ctx context.Context) (app.RestorePoint, error) {
	if _, err := s.capture(ctx); err != nil {
		return app.RestorePoint{}, err
	}
	if err := s.ship(ctx); errors.Is(err, errUnproved) {
		return app.RestorePoint{}, err
	} else if err != nil {
		return app.RestorePoint{}, classify("flush", err)
	}
	return s.point(ctx)
}

// point is the newest point at the target.
func (s *session) point(ctx context.Context) (app.RestorePoint, error) {
	files, err := s.index.list(ctx, 0)
	if err != nil {
		return app.RestorePoint{}, classify("flush", err)
	}
	if len(files) == 0 {
		return app.RestorePoint{}, app.Errorf(app.CodeFailed, "flush", "Nothing was copied yet.").
			WithHint("`coditect-sync status` says what it waits for.")
	}
	f := files[len(files)-1]
	return app.RestorePoint{ID: f.MaxTXID.String(), Time: f.CreatedAt, Size: f.Size, Kind: app.PointChange}, nil
}

func (k *Keeper) pins() []ltx.TXID {
	if k.cfg.Pins == nil {
		return nil
	}
	return pinned(k.cfg.Pins(), k.cfg.Now())
}

func fileMissing(path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return app.Errorf(app.CodeNotFound, "file", "%s is no longer where it was.", path).
			WithHint("Restore it with `coditect-sync restore`, or say where it is now with `coditect-sync setup --db FILE`.").Wrap(err)
	}
	return app.Errorf(app.CodeDenied, "file", "%s cannot be read.", path).WithHint("Check the permissions of the file and its folder.").Wrap(err)
}
