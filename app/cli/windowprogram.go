package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
	"github.com/coditect-ai/coditect-sync/config"
)

const (
	// windowName is the program with the window.
	windowName = "coditect-sync-window"
	// windowWithin is how long it may take to come up.
	windowWithin = 20 * time.Second
	// loaderFailed is the exit status of a program whose libraries are missing.
	loaderFailed = 127
)

// windowProgram is the path of the program with the window: this one, or beside it, where packages put it, or on PATH.
// CodeNotFound when it is nowhere.
func windowProgram() (path string, err error) {
	exe, err := ownPath()
	if err != nil || hasWindow {
		return exe, err
	}
	return findProgram(exe, windowName, filepath.Join("..", "lib", "coditect-sync"))
}

// agentProgram is the path of the program to run as the agent. That is this one, but where the window would cost every
// process of it the libraries of a web view: there it is the small one, if it is here.
func agentProgram() (path string, err error) {
	exe, err := ownPath()
	if err != nil || !hasWindow || runtime.GOOS != "linux" {
		return exe, err
	}
	if small, err := findProgram(exe, "coditect-sync", filepath.Join("..", "..", "bin")); err == nil {
		return small, nil
	}
	return exe, nil
}

func ownPath() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", app.Errorf(app.CodeFailed, "start", "The program does not know where it is.").Wrap(err)
	}
	return exe, nil
}

// findProgram looks for a program of ours from exe, whose links are followed too: beside it, in the folder that is at
// rel from there, and on PATH.
func findProgram(exe, name, rel string) (string, error) {
	file := name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	dirs := []string{filepath.Dir(exe)}
	if real, err := filepath.EvalSymlinks(exe); err == nil && real != exe {
		dirs = append(dirs, filepath.Dir(real))
	}
	for _, dir := range dirs {
		for _, path := range []string{filepath.Join(dir, file), filepath.Join(dir, rel, file)} {
			if found, err := exec.LookPath(path); err == nil {
				return found, nil
			}
		}
	}
	if found, err := exec.LookPath(file); err == nil {
		return found, nil
	}
	return "", app.Errorf(app.CodeNotFound, "window", "The window is not installed here.").WithHint("%s", windowHint())
}

// windowHint says what to install.
func windowHint() string {
	if runtime.GOOS == "linux" {
		return "Install the program " + windowName + " and what it shows its page with (Debian, Ubuntu: libwebkit2gtk-4.1-0 " +
			"and libgtk-3-0). Every verb works without it."
	}
	return "Install the program " + windowName + ". Every verb works without it."
}

// noWindow says what to install before a window can be opened, in a few words for a menu; "" when nothing is missing.
func (p *program) noWindow() string {
	if _, err := windowProgram(); err != nil {
		return "install " + windowName
	}
	return ""
}

// openWindow shows a view (see frontend/src/route.ts) of the window of home: in the one that is open, which comes to the
// front, or in a new process that goes on when this one ends. It returns once the window is there.
func (p *program) openWindow(home, view string) error {
	ctx, cancel := context.WithTimeout(context.Background(), windowWithin)
	defer cancel()
	if err := local.ShowWindow(ctx, home, view); app.CodeOf(err) != app.CodeNotRunning {
		return err
	}
	path, err := windowProgram()
	if err != nil {
		return err
	}
	w, err := launch(path, config.NewLayout(home), view)
	if err != nil {
		return err
	}
	return w.await(ctx)
}

// launched is a window's process and where it writes.
type launched struct {
	home, log string
	from      int64 // where in the log it begins
	ended     <-chan error
}

// launch starts the window with nothing that ties it to this program. What it says goes to a log of its own.
func launch(path string, layout config.Layout, view string) (*launched, error) {
	w := &launched{home: layout.Home, log: windowLog(layout)}
	if err := layout.Make(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(w.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, app.Errorf(app.CodeDenied, "window", "The log %s cannot be written.", w.log).Wrap(err)
	}
	defer func() { _ = log.Close() }()
	if w.from, err = log.Seek(0, io.SeekEnd); err != nil {
		return nil, app.AsError("window", err)
	}
	cmd := exec.Command(path, "window", "--home", layout.Home, "--view", view) //nolint:noctx // it outlives this program
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = layout.Home, log, log, detached()
	if err := cmd.Start(); err != nil {
		return nil, app.Errorf(app.CodeFailed, "window", "The window cannot be started.").WithHint("%s", windowHint()).Wrap(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // until this program ends
	w.ended = ended
	return w, nil
}

// await returns when the window answers, or when it ended, which it may well do: another one was faster and shows the
// view, or a person closed it at once.
func (w *launched) await(ctx context.Context) error {
	for {
		err := local.ShowWindow(ctx, w.home, "")
		if app.CodeOf(err) != app.CodeNotRunning {
			return err
		}
		select {
		case err := <-w.ended:
			return w.failed(err)
		default:
		}
		if !pauseFor(ctx, lookEvery) {
			return app.Errorf(app.CodeFailed, "window", "The window was started but does not come up.").
				WithHint("Its log is %s.", w.log).Wrap(context.Cause(ctx))
		}
	}
}

func (w *launched) failed(err error) error {
	if err == nil {
		return nil
	}
	e := app.Errorf(app.CodeFailed, "window", "The window ended at once: %s", lastWords(w.log, w.from)).Wrap(err)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == loaderFailed {
		return e.WithHint("%s", windowHint())
	}
	return e.WithHint("Its log is %s.", w.log)
}
