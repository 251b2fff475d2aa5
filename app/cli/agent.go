package cli

import (
	"context"
	"errors"
	"net"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

const (
	// stopWithin limits the end of the agent: its final flush, and the replies that are under way.
	stopWithin = 20 * time.Second
	// replyWithin is how long replies may take once the agent has ended.
	replyWithin = 3 * time.Second
)

func (p *program) agentVerb() *cobra.Command {
	headless := false
	c := p.verb("agent", "Run the agent in the foreground", func(ctx context.Context) error { return p.serve(ctx, !headless) })
	c.Flags().BoolVar(&headless, "headless", false, "without an icon in the tray and without notifications")
	c.Long = `Run the agent in the foreground until SIGINT, SIGTERM or ` + "`coditect-sync quit`" + `.

It copies what is still waiting before it ends; a second signal ends it at once. Its log is logs/agent.log in the home
directory, its level CODITECT_LOG (debug, info, warn, error).`
	return c
}

// agentOrWindow is the program without a verb.
func (p *program) agentOrWindow(ctx context.Context) error {
	client, err := p.dial(ctx)
	switch app.CodeOf(err) {
	case app.CodeNotRunning:
		return p.serve(ctx, true)
	case "":
		p.out.line(plain.of("CODITECT Sync is already running."))
		return p.openOrTell(ctx, client)
	}
	return err
}

// openOrTell opens the window; where there is none, or it does not open, the status is told here.
func (p *program) openOrTell(ctx context.Context, s app.Watcher) error {
	if p.noWindow() != "" {
		return p.showStatus(ctx, s)
	}
	layout, err := p.layout()
	if err != nil {
		return err
	}
	if err := p.openWindow(layout.Home, "home"); err != nil {
		p.err.line(waits.of("%s", app.AsError("window", err).Message))
		return p.showStatus(ctx, s)
	}
	return nil
}

// serve runs the agent until it is told to end, with an icon and notifications for the person if wanted.
func (p *program) serve(ctx context.Context, seen bool) error {
	p.staySmall()
	held, client, err := p.lockOrDial(ctx, lockWithin)
	if err != nil {
		return err
	}
	if client != nil {
		return app.Errorf(app.CodeBusy, "agent", "CODITECT Sync is already running.").
			WithHint("`coditect-sync status` shows how it is, `coditect-sync quit` ends it.")
	}
	w, err := p.wire(false)
	if err != nil {
		return errors.Join(err, held.Release())
	}
	ln, err := local.Listen(local.SocketPath(w.layout.Home))
	if err == nil {
		err = p.serveOn(ctx, w, ln, seen)
	}
	return errors.Join(err, w.close(), held.Release())
}

// staySmall collects garbage twice as often: the agent is always there and mostly idle, so memory counts more than the
// little time that takes.
func (p *program) staySmall() {
	if p.getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// serveOn runs agent and server. Whichever ends first ends the other; the agent ends before the server, so that
// whoever asked for the end is answered. The icon takes this goroutine meanwhile, the main one, as macOS wants it.
func (p *program) serveOn(ctx context.Context, w *wired, ln net.Listener, seen bool) error {
	server := local.NewServer(local.Config{Service: w.agent, Version: p.version, Logger: w.log})
	run, stop := context.WithCancel(ctx)
	defer stop()
	served, ended := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(ln); stop() }()
	go func() { ended <- w.agent.Run(run); stop() }()
	w.log.Info("agent started", "version", p.version, "home", w.layout.Home)
	p.ready(w)
	if seen {
		p.show(run, w)
		stop() // the session has ended, if nothing else has
	}
	<-run.Done()
	err := p.within(stopWithin, ended)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), replyWithin)
	defer cancel()
	if shut := server.Shutdown(limited); shut != nil {
		w.log.Warn("replies cut off", "error", shut)
	}
	err = errors.Join(err, <-served)
	w.log.Info("agent ended", "error", err)
	return err
}

// ready tells that the agent answers.
func (p *program) ready(w *wired) {
	st, err := w.agent.Status(context.Background())
	if err != nil {
		return
	}
	p.out.line(plain.of("CODITECT Sync is running, mode %s. Ctrl+C ends it.", modeName(st.Mode)))
}

// within waits for the agent to end.
func (p *program) within(limit time.Duration, ended <-chan error) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return app.Errorf(app.CodeFailed, "agent", "The agent did not end within %s.", lasting(limit)).
			WithHint("What was not copied yet is copied when it starts again.")
	}
}
