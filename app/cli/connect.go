package cli

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// reach says how a verb may get at an agent.
type reach int

const (
	// running means that only an agent that runs will do.
	running reach = iota
	// anyhow means that without one an idle agent in this process serves the verb.
	anyhow
)

const (
	// answerWithin is how long an agent may take to say how it is.
	answerWithin = 5 * time.Second
	// lockWithin is how long a verb waits for another one, or for an agent that starts or ends.
	lockWithin = 5 * time.Second
	// lookEvery is how often it looks meanwhile.
	lookEvery = 50 * time.Millisecond
)

// session is an agent that answers.
type session struct {
	app.Service
	// own tells that it is an idle one of this process.
	own   bool
	close func() error
}

// Close ends an agent of this process and gives the lock back.
func (s *session) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// with calls f with an agent and ends the session.
func (p *program) with(ctx context.Context, how reach, f func(*session) error) error {
	s, err := p.connect(ctx, how)
	if err != nil {
		return err
	}
	err = f(s)
	return errors.Join(err, s.Close())
}

// reachAgent finds the agent that runs, or makes an idle one.
func (p *program) reachAgent(ctx context.Context, how reach) (*session, error) {
	client, err := p.dial(ctx)
	if err == nil {
		return &session{Service: client}, nil
	}
	if app.CodeOf(err) != app.CodeNotRunning || how == running && !p.wasUsed() {
		return nil, err
	}
	held, client, lockErr := p.lockOrDial(ctx, lockWithin)
	switch {
	case lockErr != nil:
		return nil, lockErr
	case client != nil:
		return &session{Service: client}, nil
	case how == running:
		return nil, errors.Join(err, held.Release())
	}
	return p.idleAgent(ctx, held)
}

// wasUsed tells whether somebody may hold the lock of the home. A look at status must not make a home.
func (p *program) wasUsed() bool {
	layout, err := p.layout()
	if err != nil {
		return false
	}
	_, err = os.Stat(layout.Lock)
	return err == nil
}

// dial returns a client of the agent that runs. CodeNotRunning when none does, CodeBusy when one is there and does not
// answer.
func (p *program) dial(ctx context.Context) (*local.Client, error) {
	layout, err := p.layout()
	if err != nil {
		return nil, err
	}
	client := local.NewClient(local.SocketPath(layout.Home), p.version)
	limited, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err = client.Status(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, app.Errorf(app.CodeBusy, "connect", "CODITECT Sync runs but does not answer.").
			WithHint("Its log is %s. If it stays like this, end the process and start it again.", layout.Log).Wrap(err)
	}
	return client, err
}

// lockOrDial takes the lock of the home, or finds the agent that holds it. It waits for as long as patience says.
func (p *program) lockOrDial(ctx context.Context, patience time.Duration) (*local.Held, *local.Client, error) {
	layout, err := p.layout()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		held, err := local.Lock(layout.Lock)
		if app.CodeOf(err) != app.CodeBusy {
			return held, nil, err
		}
		if client, err := p.dial(ctx); err == nil {
			return nil, client, nil
		}
		if !pauseFor(ctx, lookEvery) {
			return nil, nil, silent(err)
		}
	}
}

// silent is the error of a lock that is held by a process that does not answer; held names it.
func silent(held error) error {
	e := *app.AsError("connect", held)
	e.TypedHint = ""
	e.Hint = "It does not answer: another verb may be at work, or the agent is starting or ending. Try again, or end that process."
	return &e
}

// pauseFor waits, and is false when ctx ended first.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
