package cloud

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Engine keeps one file and one account the same while Run goes on. See the package documentation.
type Engine struct {
	cfg     Config
	board   *board
	pushed  *progressed // the newest change that is acknowledged
	reached *progressed // the newest write checkpoint that is applied
	climb   climb       // Run's alone
	proving chan struct{}

	mu    sync.Mutex
	now   *session
	ready chan struct{} // closed while now is set
	ended chan struct{} // closed when Run has returned
	err   error         // why, valid then
}

var _ app.Syncer = (*Engine)(nil)

// New returns an engine that does nothing until Run. The error is CodeInvalid for a configuration that cannot be.
func New(c Config) (*Engine, error) {
	c, err := c.ready()
	if err != nil {
		return nil, err
	}
	return &Engine{cfg: c, board: newBoard(c), pushed: newProgressed(), reached: newProgressed(), proving: make(chan struct{}, 1),
		ready: make(chan struct{}), ended: make(chan struct{})}, nil
}

// Run implements app.Engine: it enrols the file where it is not (which takes a while for a large one, and is shown), pushes
// and pulls until ctx ends, and then returns nil after a last push within Config.StopTimeout. It returns CodeSignedOut when
// a person has to sign in, CodeRefused when the file cannot be enrolled, CodeNotFound when it is gone. report is called
// from one goroutine, and may block without stopping anything. Run is called once.
func (e *Engine) Run(ctx context.Context, report func(app.Report)) (err error) {
	defer e.board.reports(report)()
	defer e.cfg.File.Rest()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.err = err
		close(e.ended)
	}()
	if err := enrol(ctx, e.cfg, e.board); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	for {
		s, err := e.newSession()
		if err != nil {
			return err
		}
		err = e.runSession(ctx, s)
		switch {
		case errors.Is(err, errAnew):
			continue
		case ctx.Err() != nil:
			e.lastPush(s)
			return nil
		default:
			return err
		}
	}
}

// errAnew ends a session in whose place another one begins.
var errAnew = errors.New("begin anew")

// runSession runs a session, and leaves it behind when it does not end by itself: something it called does not return.
func (e *Engine) runSession(ctx context.Context, s *session) error {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.board.begins()
	e.use(s)
	defer e.use(nil)
	ended := make(chan error, 1)
	go func() { ended <- s.run(work) }()
	var helpers sync.WaitGroup
	helpers.Go(func() { e.watch(work, s, func() { cancel(errAnew) }) })
	helpers.Go(func() { e.proofLoop(work, s) })
	defer helpers.Wait()
	defer cancel(nil)
	select {
	case err := <-ended:
		return err
	case <-work.Done():
	}
	select {
	case err := <-ended:
		if err != nil && !errors.Is(err, errAnew) {
			return err
		}
	case <-time.After(e.cfg.StopTimeout):
		e.cfg.Logger.Error("something does not return and is left behind")
	}
	return context.Cause(work)
}

// use makes a session the one that calls from outside use.
func (e *Engine) use(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = s
	if s != nil {
		close(e.ready)
	} else {
		e.ready = make(chan struct{})
	}
}

// session waits for the one that runs. It fails when Run has returned.
func (e *Engine) session(ctx context.Context) (*session, error) {
	for {
		e.mu.Lock()
		s, ready := e.now, e.ready
		e.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-ready:
		case <-e.ended:
			return nil, e.over()
		case <-ctx.Done():
			return nil, canceled(ctx.Err())
		}
	}
}

// over is why nothing can be done any more.
func (e *Engine) over() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return e.err
	}
	return canceled(context.Canceled)
}

// lastPush sends what waits before the engine ends, if that is soon done.
func (e *Engine) lastPush(s *session) {
	st, d := e.board.look()
	if st.PendingUploads == 0 || d.up.cause != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.cfg.StopTimeout)
	defer cancel()
	if err := s.push.drain(ctx); err != nil {
		e.cfg.Logger.Info("what waits goes up at the next start", "error", err)
	}
}

// Push implements app.Syncer.
func (e *Engine) Push(ctx context.Context) error {
	s, err := e.session(ctx)
	if err != nil {
		return err
	}
	mark, _, err := e.cfg.File.QueueMark(ctx)
	if err != nil {
		return err
	}
	poke(s.kickPush)
	return e.await(ctx, e.pushed, mark)
}

// await waits until p has come to mark.
func (e *Engine) await(ctx context.Context, p *progressed, mark int64) error {
	for {
		got, changed := p.get()
		if got >= mark {
			return nil
		}
		select {
		case <-changed:
		case <-e.ended:
			return e.over()
		case <-ctx.Done():
			return canceled(ctx.Err())
		}
	}
}

// Kick tries at once whatever waits for its time: the machine woke up, the network is back, or somebody signed in again.
func (e *Engine) Kick() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now != nil {
		e.now.kick()
	}
}

// Rebuild fetches every row of the account again, and returns when all of them are shown; what waits to go up is kept, and
// what only this machine has goes up or to lost & found. It blocks while offline, until ctx ends. Run must be going on.
func (e *Engine) Rebuild(ctx context.Context) error {
	s, err := e.session(ctx)
	if err != nil {
		return err
	}
	return e.refetch(ctx, s)
}

// enrol begins to record, and says how far that is.
func enrol(ctx context.Context, c Config, b *board) error {
	r := retry{pace: c.pace}
	began := c.Now()
	for {
		err := c.File.Enrol(ctx, app.Enrolment{Server: c.Server, User: c.User, Machine: c.Machine}, func(done, total int64) {
			b.change(func(_ *app.CloudStatus, d *doing) { d.enrol = work{done, total, began} })
		})
		b.change(func(_ *app.CloudStatus, d *doing) { d.enrol = work{} })
		if err == nil || app.CodeOf(err) != app.CodeBusy {
			return err
		}
		c.Logger.Warn("file not enrolled yet", "error", err)
		r.failed(c.Now(), err)
		if !sleep(ctx, r.wait(c.Now())) {
			return err
		}
	}
}
