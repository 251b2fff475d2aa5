package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// File is what the agent needs of the live file.
type File interface {
	app.File
	Exists() (bool, error)
	// Create makes the file with the context-memory schema where it is missing, and migrates an older one.
	Create(ctx context.Context) error
	// Adopt checks a file that other programs made and turns the write-ahead log on; it touches nothing else.
	Adopt(ctx context.Context) (app.FileInfo, error)
	Inspect(ctx context.Context) (app.FileInfo, error)
	// Compare says what differs between the image and the live file, a table each.
	Compare(ctx context.Context, image string, progress func(done, total int64)) ([]app.TableDiff, error)
	// BringBack writes chosen rows of an image into the live file as ordinary changes, or with dry only counts them.
	BringBack(ctx context.Context, image string, choice app.Choice, dry bool, progress func(done, total int64)) (app.Back, error)
	// FillSearch indexes what was added for full-text search and returns how many rows that was.
	FillSearch(ctx context.Context) (int, error)
	// InstallImage puts an image where the file is missing or damaged, and says where a damaged one was kept.
	InstallImage(ctx context.Context, image string) (kept string, err error)
	// Capture says how recording for the cloud stands; Unenrol ends it, keeping what waits.
	Capture(ctx context.Context) (app.Capture, error)
	Unenrol(ctx context.Context) error
	// Wipe removes the account's rows from this machine. CodeRefused while changes wait, unless evenWaiting.
	Wipe(ctx context.Context, evenWaiting bool) error
	app.Finder
	// Projects lists those of the file, by name, with what the file knows; none in a file of another kind. ShareProject
	// writes who sees one.
	Projects(ctx context.Context) ([]app.Project, error)
	ShareProject(ctx context.Context, id string, to app.Visibility, team string) error
	// Surroundings looks for what endangers the file: synced or network folders, old SQLite in other programs.
	Surroundings(ctx context.Context) []app.Finding
}

// Storage is an opened target.
type Storage interface {
	// Probe writes, reads back and deletes a small object; it returns each step done.
	Probe(ctx context.Context) ([]app.TrialStep, error)
	// Create makes the missing bucket, or the missing last folder where its parent exists.
	Create(ctx context.Context) error
	// EnsureUser settles the {user_id}: the wish, else the only one known, else a new one.
	EnsureUser(ctx context.Context, wish string) (user string, known []string, err error)
	// SettleEncryption makes sure that what the user has there fits how the storage was opened: encrypted with its key, or
	// plain. It begins encryption if that is wished, where there is nothing yet. step says what it did; it may be empty.
	SettleEncryption(ctx context.Context, user string, begin bool) (step string, err error)
	SameDisk(path string) (bool, error)
	// SamePlace tells that another storage is this one by another name.
	SamePlace(ctx context.Context, other Storage) (bool, error)
	// Primary is the machine that writes a lineage; zero for none. TakeOver makes it this one.
	Primary(ctx context.Context, user, lineage string) (app.Primary, error)
	TakeOver(ctx context.Context, user, lineage, machine, host string) error
	// Replica reads what is there. known is the newest point that this machine knows to have copied; zero for none.
	Replica(user, machine string, known app.RestorePoint) app.Replica
	Keeper(KeeperSpec) app.Keeper
	Close() error
}

// KeeperSpec says what a Keeper replicates.
type KeeperSpec struct {
	File          File
	User, Machine string
	Lineage, Host string
	Info          func(ctx context.Context) app.MachineInfo
	Known         app.StandaloneStatus
	Pins          func() []app.RestorePoint
	Retention     func() app.Retention
	Saving        func() bool
	Tmp           string
	// More are further targets, and what is known of them.
	More []MoreStorage
}

// MoreStorage is a further target of a Keeper.
type MoreStorage struct {
	Storage Storage
	Known   app.StandaloneStatus
}

// Config configures an Agent. All fields must be set unless they say otherwise.
type Config struct {
	Version       string
	SQLiteVersion string
	Layout        config.Layout
	Machine       config.Machine
	Host          string
	// Forced is the mode of CODITECT_SYNC_MODE, ModeUnset without it.
	Forced app.Mode
	// Idle starts no engine of its own accord: the agent serves one command of the command line.
	Idle        bool
	OpenFile    func(path string) (File, error)
	OpenStorage func(ctx context.Context, prefs app.Prefs) (Storage, error)
	// Keys keeps recovery keys; nil for a program without encrypted copies.
	Keys Keys
	// Google signs in to Google for gs:// storages; nil for a program that cannot.
	Google Google
	// Access keeps access keys for s3:// storages; nil for a program that cannot.
	Access Access
	Logger *slog.Logger
	Now    func() time.Time // time.Now when nil
	// Saving tells that the machine is on battery or a metered network. The system is asked when nil.
	Saving func() bool
	// Autostart starts the agent at login; nil where the system has no such thing.
	Autostart Autostart
	// Account is this machine's session at a server; nil for a program without cloud mode.
	Account Account
	// Door is the way into that account; nil where there is none.
	Door Door
	// OpenSyncer makes the engine of cloud mode, OpenUploader what pushes beside another one. Set with Account.
	OpenSyncer   func(CloudSpec) (app.Syncer, error)
	OpenUploader func(CloudSpec) (Uploader, error)
	// Cost estimates a month at a target from what was asked of it; nil where nobody asks. It returns nil where the
	// prices are not known.
	Cost func(target string, u app.Usage, now time.Time) *app.Cost
	// Retention says in words what a retention keeps of a target's history, one promise each; nil where nobody asks.
	Retention func(target string, r app.Retention) []string
}

// Autostart is the system's own note of what starts at login, and the only place where that is kept.
type Autostart interface {
	Enabled() (bool, error)
	Set(on bool) error
}

// Agent implements app.Service. New returns it, Run makes it live.
type Agent struct {
	cfg   Config
	log   *slog.Logger
	cmds  chan func()
	done  chan struct{} // closed when Run returned
	quit  chan struct{} // closed by Quit
	once  sync.Once
	board board
	op    chan struct{}   // holds one token: the right to run a long operation
	life  context.Context //nolint:containedctx // ends when the agent begins to stop, for work in the background
	die   context.CancelFunc
	look  preview
	core  core // owned by Run
}

// core is the state that only Run's goroutine touches.
type core struct {
	prefs     app.Prefs
	lineage   string     // of the file's history
	from      app.Origin // whose history it was before
	records   config.Records
	recordsAt time.Time // last saved
	restoring bool
	reading   map[string]int   // points that are being fetched, by id
	hold      bool             // no engine may run: the file is being put in place
	need      map[app.Mode]int // operations that need the engine of a mode, whether or not it would run
	fault     *app.Error
	notice    *app.Error // something to tell that is not a fault, such as damaged preferences kept aside
	report    app.Report
	move      *app.MoveStatus // a move between the modes that is under way
	login     loginUnderWay
	capture   app.Capture   // as seen last
	captureAt time.Time     // when it was looked at while no engine told
	opShows   *app.Progress // progress of a long operation

	engine  *running
	retryAt time.Time
	fails   int
	waiters []chan struct{} // closed when the engine is as wanted
	search  bool            // the full-text filler runs
	mark    string          // names the last change of the file that is known
	indexed string          // mark up to which it has run
	journal *journal
	wg      sync.WaitGroup
}

var _ app.Service = (*Agent)(nil)

// New reads what the home directory holds and returns an Agent that serves once Run runs. Damaged preferences or
// records are kept aside and shown; they never end up silently empty.
func New(cfg Config) (*Agent, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Saving == nil {
		cfg.Saving = saving
	}
	a := &Agent{
		cfg: cfg, log: cfg.Logger, cmds: make(chan func()), done: make(chan struct{}), quit: make(chan struct{}),
		op: make(chan struct{}, 1), look: preview{turn: make(chan struct{}, 1)},
	}
	a.life, a.die = context.WithCancel(context.Background())
	var err error
	var damaged *app.Error
	if a.core.prefs, damaged, err = (config.PrefsFile{Path: cfg.Layout.Prefs}).Load(); err != nil {
		return nil, err
	}
	a.noteDamage(damaged)
	if a.core.records, damaged, err = (config.RecordsFile{Path: cfg.Layout.Records}).Load(); err != nil {
		return nil, err
	}
	a.noteDamage(damaged)
	if err := a.forgetFormer(); err != nil {
		return nil, err
	}
	a.core.reading = map[string]int{}
	a.core.need, a.core.lineage = map[app.Mode]int{}, cfg.Machine.Lineage
	a.core.from = cfg.Machine.From
	a.core.journal = openJournal(cfg.Layout.Journal, cfg.Logger)
	a.board.init()
	a.publish()
	return a, nil
}

func (a *Agent) noteDamage(e *app.Error) {
	if e != nil {
		a.log.Error("settings damaged", "error", e)
		a.core.notice = e
	}
}

// Run serves until ctx ends or Quit is called, then stops the engine after its final flush. It owns all state.
func (a *Agent) Run(ctx context.Context) error {
	defer close(a.done)
	a.expireUnfinished()
	a.clear(a.cfg.Layout.Tmp, "", "") // the lock of the home is held, so all of it is of processes that were killed
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changes := a.accountChanges()
		a.reconcile()
		a.watchCapture()
		a.publish()
		timer.Reset(a.untilNextLook())
		select {
		case f := <-a.cmds:
			f()
		case <-a.engineDone():
			a.engineEnded()
		case <-timer.C:
		case <-changes:
			a.core.retryAt = time.Time{}
		case <-ctx.Done():
			return a.shutdown()
		case <-a.quit:
			return a.shutdown()
		}
	}
}

// shutdown stops the engine, waits for every goroutine and saves what is known.
func (a *Agent) shutdown() error {
	a.die()
	if e := a.core.engine; e != nil {
		e.stop()
		for running := true; running; {
			select {
			case <-e.done:
				running = false
			case f := <-a.cmds: // reports of the final flush
				f()
			}
		}
	}
	idle := make(chan struct{})
	go func() { a.core.wg.Wait(); close(idle) }()
	for waiting := true; waiting; {
		select {
		case <-idle:
			waiting = false
		case f := <-a.cmds:
			f()
		}
	}
	a.core.journal.add()
	a.endPreview()
	return a.saveRecords()
}

// do runs f in Run's goroutine and waits for it.
func (a *Agent) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case a.cmds <- func() { f(); close(ran) }:
		<-ran
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	case <-a.done:
		return app.Errorf(app.CodeNotRunning, "agent", "CODITECT Sync is stopping.").
			WithHint("Start it again.").Typed("Start it again with `coditect-sync start`.")
	}
}

// tell is do for goroutines that outlive no Run: they do not care for an end.
func (a *Agent) tell(f func()) { _ = a.do(context.Background(), f) }

// begin takes the right to run a long operation; end gives it back.
func (a *Agent) begin(op string) (end func(), err error) {
	select {
	case a.op <- struct{}{}:
		return func() { <-a.op }, nil
	default:
		return nil, app.Errorf(app.CodeBusy, op, "Another operation is running.").WithHint("Wait until it is done.").
			Typed("Wait until it is done; `coditect-sync status` shows it.")
	}
}

func canceled(ctx context.Context) *app.Error {
	return app.Errorf(app.CodeCanceled, "agent", "Canceled.").Wrap(context.Cause(ctx))
}

// Quit implements app.Switch.
func (a *Agent) Quit(ctx context.Context) error {
	a.once.Do(func() { close(a.quit) })
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	}
}

// Done is closed when Run has returned.
func (a *Agent) Done() <-chan struct{} { return a.done }
