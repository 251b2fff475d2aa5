package cli

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/desktop"
	"github.com/coditect-ai/coditect-sync/app/local"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/app/sqlite"
	"github.com/coditect-ai/coditect-sync/app/standalone"
	"github.com/coditect-ai/coditect-sync/config"
)

// envLog is the level of the log: debug, info (the default), warn or error.
const envLog = "CODITECT_LOG"

// The log file is rotated at this size, and this many old ones are kept.
const (
	logMegabytes = 5
	logBackups   = 3
)

// wired is everything an agent of this process is made of.
type wired struct {
	layout config.Layout
	log    *slog.Logger
	agent  *agent.Agent
	close  func() error // of the log file
}

// wire makes an agent. The caller holds the lock of the home.
func (p *program) wire(idle bool) (*wired, error) {
	layout, err := p.layout()
	if err != nil {
		return nil, err
	}
	if err := layout.Make(); err != nil {
		return nil, err
	}
	log, closeLog, err := p.logger(layout)
	if err != nil {
		return nil, err
	}
	a, err := p.newAgent(layout, log, idle)
	if err != nil {
		_ = closeLog() // the reason is err
		return nil, err
	}
	return &wired{layout: layout, log: log, agent: a, close: closeLog}, nil
}

func (p *program) newAgent(layout config.Layout, log *slog.Logger, idle bool) (*agent.Agent, error) {
	forced, err := p.forced()
	if err != nil {
		return nil, err
	}
	machine, damaged, err := config.LoadMachine(layout.Home)
	if err != nil {
		return nil, err
	}
	if damaged != nil {
		log.Error("machine identity was damaged", "error", damaged)
		p.err.line(waits.of("%s This machine has a new id.", damaged.Message))
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	account, err := p.account(layout, machine.ID, host, log)
	if err != nil {
		return nil, err
	}
	safe := login.NewSafe(login.Config{Home: layout.Home, Machine: machine.ID, Logger: log})
	keys, google := keySafe{safe}, googleDoor{login.NewGoogle(signInConfig(layout, machine.ID, host, log), safe)}
	files := &fileOpener{log: log, open: map[string]*sqlite.File{}}
	syncs := cloudOpener{files: files, tokens: account, version: p.version, stream: p.getenv(envStream), log: log}
	return agent.New(agent.Config{
		Version: p.version, SQLiteVersion: sqlite.LibraryVersion(), Layout: layout, Machine: machine, Host: host,
		Forced: forced, Idle: idle, OpenFile: files.file, OpenStorage: openStorage(files, keys, google, log), Keys: keys, Google: google, Access: accessSafe{safe}, Logger: log,
		Retention: standalone.Retention, Cost: standalone.MonthlyCost, Autostart: autostart(layout, log), Account: account, Door: account,
		OpenSyncer: syncs.syncer, OpenUploader: syncs.uploader,
	})
}

// autostart is this program in the system's list of what starts at login; nil where the program does not know its place.
func autostart(layout config.Layout, log *slog.Logger) agent.Autostart {
	exe, err := os.Executable()
	if err != nil {
		log.Warn("no start at login", "error", err)
		return nil
	}
	if gui, err := windowProgram(); err == nil && runtime.GOOS == "windows" { // the other one would bring up a console
		exe = gui
	}
	return desktop.NewAutostart(exe, layout.Home)
}

// idleAgent serves one verb from this process.
func (p *program) idleAgent(ctx context.Context, held *local.Held) (*session, error) {
	w, err := p.wire(true)
	if err != nil {
		_ = held.Release() // the reason is err
		return nil, err
	}
	// The verb's ctx ends its calls. The agent itself ends with the session, so that it can still put things in order.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- w.agent.Run(run) }()
	end := func() error {
		stop()
		if err := <-done; err != nil { // every call has told already what became of it
			w.log.Warn("agent ended", "error", err)
		}
		_ = w.close() // nothing was promised about the log
		return held.Release()
	}
	return &session{Service: w.agent, own: true, close: end}, nil
}

// logger writes JSON lines to the log file of the home.
func (p *program) logger(layout config.Layout) (*slog.Logger, func() error, error) {
	level, err := p.logLevel()
	if err != nil {
		return nil, nil, err
	}
	file := &lumberjack.Logger{Filename: layout.Log, MaxSize: logMegabytes, MaxBackups: logBackups}
	return slog.New(slog.NewJSONHandler(file, &slog.HandlerOptions{Level: level})), file.Close, nil
}

func (p *program) logLevel() (slog.Level, error) {
	text := strings.TrimSpace(p.getenv(envLog))
	var level slog.Level
	if text == "" {
		return slog.LevelInfo, nil
	}
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return level, app.Errorf(app.CodeInvalid, "log", "%s is set to %q, which is no level.", envLog, text).
			WithHint("Set it to debug, info, warn or error, or unset it.")
	}
	return level, nil
}

// fileOpener opens each file once: all that reads or writes it in this process must know of each other.
type fileOpener struct {
	log  *slog.Logger
	mu   sync.Mutex
	open map[string]*sqlite.File
}

// file is get for the agent: a nil *sqlite.File must not become an agent.File that is not nil.
func (o *fileOpener) file(path string) (agent.File, error) {
	f, err := o.get(path)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (o *fileOpener) get(path string) (*sqlite.File, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f, ok := o.open[path]; ok {
		return f, nil
	}
	f, err := sqlite.New(sqlite.Config{Path: path, Logger: o.log})
	if err != nil {
		return nil, err
	}
	o.open[path] = f
	return f, nil
}
