//go:build desktop || bindings

package window

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	"github.com/wailsapp/wails/v2/pkg/options/windows"
	"github.com/wailsapp/wails/v2/pkg/runtime"

	"github.com/coditect-ai/coditect-sync/app"
	icon "github.com/coditect-ai/coditect-sync/build/icons/app"
)

const (
	title = "CODITECT Sync"
	// programName is also the name of the .desktop file: Wayland finds the icon by it.
	programName = "coditect-sync"
)

// Run shows the window until it is closed or ctx ends, or raises the one that is open and returns. It must be called
// from the main goroutine.
func Run(ctx context.Context, cfg Config) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	w, err := open(ctx, cfg)
	if w == nil || err != nil {
		return err
	}
	defer func() {
		if err := w.close(); err != nil {
			cfg.Logger.Warn("claim not given back", "error", err)
		}
	}()
	v := &webView{running: w}
	err = v.run(ctx)
	end() // who still waits for the window hears that it closes
	v.others.Wait()
	return err
}

// Describe lets Wails' tool look at the program. It is what Run is under its tag bindings.
func Describe() error { return wails.Run(&options.App{Title: title}) }

// webView is the window on the screen.
type webView struct {
	*running
	ctx    context.Context // Wails' own, which its functions want; set before up is closed
	once   sync.Once
	others sync.WaitGroup
}

func (v *webView) run(ctx context.Context) error {
	if err := prepare(v.cfg.Dark); err != nil {
		return err
	}
	v.native.dialogs = v
	opts := v.options(ctx)
	answering, stop := context.WithCancel(ctx)
	defer stop()
	v.others.Go(func() {
		if err := v.claim.answer(answering, v.up, v.raise); err != nil {
			v.cfg.Logger.Error("window no longer answers", "error", err)
		}
	})
	defer func() { _ = v.claim.ln.Close() }() // ends the goroutine above
	return runWails(opts)
}

// runWails is wails.Run, which panics where GTK finds no screen.
func runWails(opts *options.App) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = app.Errorf(app.CodeFailed, "window", "The window cannot be shown here: %v.", p).
				WithHint("It needs a graphical session.")
		}
	}()
	return wails.Run(opts)
}

func (v *webView) options(ctx context.Context) *options.App {
	s := loadSize(v.cfg.Home)
	state := options.Normal
	if s.Maximised {
		state = options.Maximised
	}
	return &options.App{
		Title: title, Width: s.Width, Height: s.Height, MinWidth: smallest.Width, MinHeight: smallest.Height,
		WindowStartState: state,
		// The system's own background shows until the page is there, light or dark.
		BackgroundColour: options.NewRGBA(0, 0, 0, 0),
		AssetServer:      &assetserver.Options{Handler: v.handler()},
		Logger:           wailsLog{v.cfg.Logger},
		OnStartup: func(own context.Context) {
			v.ctx = own
			context.AfterFunc(ctx, func() { runtime.Quit(own) })
		},
		OnDomReady: func(context.Context) {
			v.cfg.Logger.Debug("page is loaded")
			v.once.Do(func() { close(v.up) })
		},
		OnBeforeClose: v.closing,
		Linux: &linux.Options{
			Icon: icon.PNG, ProgramName: programName, WebviewGpuPolicy: linux.WebviewGpuPolicyNever,
		},
		Windows: &windows.Options{WebviewUserDataPath: filepath.Join(v.cfg.Home, "webview")},
	}
}

// closing keeps the size. It never prevents the end.
func (v *webView) closing(ctx context.Context) (prevent bool) {
	s := size{Maximised: runtime.WindowIsMaximised(ctx)}
	s.Width, s.Height = runtime.WindowGetSize(ctx)
	if err := saveSize(v.cfg.Home, s); err != nil {
		v.cfg.Logger.Warn("size not saved", "error", err)
	}
	return false
}

// raise brings the window to the front, and leads the page to a view unless that is empty.
func (v *webView) raise(view string) {
	runtime.WindowShow(v.ctx)
	runtime.WindowUnminimise(v.ctx)
	if view != "" {
		runtime.WindowExecJS(v.ctx, goScript(view))
	}
}

func (v *webView) openFile(title, dir string) (string, error) {
	return runtime.OpenFileDialog(v.ctx, runtime.OpenDialogOptions{Title: title, DefaultDirectory: existing(dir)})
}

func (v *webView) saveFile(title, name string) (string, error) {
	return runtime.SaveFileDialog(v.ctx, runtime.SaveDialogOptions{
		Title: title, DefaultFilename: name, DefaultDirectory: existing(""), CanCreateDirectories: true,
	})
}

// existing is dir if it is a folder, else the person's own.
func existing(dir string) string {
	if info, err := os.Stat(dir); filepath.IsAbs(dir) && err == nil && info.IsDir() {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return home
}

// prepare sets what the web view takes from the environment. It is called before anything of GTK runs.
func prepare(dark bool) error {
	if goruntime.GOOS != "linux" {
		return nil
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return app.Errorf(app.CodeFailed, "window", "There is no screen to show the window on.").
			WithHint("Open it from a graphical session.").Typed("Open it from a graphical session, or use the verbs: `coditect-sync --help` lists them.")
	}
	for name, value := range surroundings(os.Getenv, dark) {
		if err := os.Setenv(name, value); err != nil {
			return app.AsError("window", err)
		}
	}
	return nil
}

// wailsLog is what Wails says about itself, in the window's log.
type wailsLog struct{ log *slog.Logger }

func (l wailsLog) said(level slog.Level, message string) {
	l.log.Log(context.Background(), level, "web view", "said", message)
}

func (l wailsLog) Print(message string)   { l.said(slog.LevelDebug, message) }
func (l wailsLog) Trace(message string)   { l.said(slog.LevelDebug, message) }
func (l wailsLog) Debug(message string)   { l.said(slog.LevelDebug, message) }
func (l wailsLog) Info(message string)    { l.said(slog.LevelDebug, message) }
func (l wailsLog) Warning(message string) { l.said(slog.LevelWarn, message) }
func (l wailsLog) Error(message string)   { l.said(slog.LevelError, message) }

// Fatal is what Wails calls before it ends the process.
func (l wailsLog) Fatal(message string) {
	l.said(slog.LevelError, message)
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
