package cli

import (
	"context"
	"log"
	"log/slog"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/desktop"
	"github.com/coditect-ai/coditect-sync/app/tray"
)

// show puts the agent's icon and its notifications into the person's session until ctx or the session ends. Without a
// session it waits for one. It must be called from the main goroutine.
func (p *program) show(ctx context.Context, w *wired) {
	adoptLog(w.log)
	ctx, stop := context.WithCancel(ctx)
	var notices sync.WaitGroup
	notices.Go(func() { desktop.Notify(ctx, p.notices(w)) })
	err := tray.Run(ctx, tray.Config{
		Service: w.agent, Logger: w.log,
		OpenWindow: p.opener(w), NoWindow: p.noWindow,
		ShowLogs: func() error { return desktop.OpenFile(w.layout.Log) },
	})
	if err != nil {
		w.log.Info("no icon in the tray", "error", err)
		<-ctx.Done()
	}
	stop()
	notices.Wait()
}

func (p *program) notices(w *wired) desktop.Config {
	return desktop.Config{
		Service: w.agent, Logger: w.log, Open: p.opener(w),
		Wants: func() app.Notify {
			settings, err := w.agent.Settings(context.Background())
			if err != nil { // the agent is ending
				return app.Notify{}
			}
			return settings.Notify
		},
	}
}

func (p *program) opener(w *wired) func(view string) error {
	return func(view string) error { return p.openWindow(w.layout.Home, view) }
}

// adoptLog sends what libraries write to the standard logger to ours: the tray's does, and would write to a terminal.
func adoptLog(l *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(l.Handler(), slog.LevelInfo).Writer())
}
