package window

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

const (
	// claimWithin is how long a second window waits for the first to come up, or to be gone.
	claimWithin = 10 * time.Second
	lookEvery   = 30 * time.Millisecond
)

// claim is the right to be the window of a home, and where others call it.
type claim struct {
	held *local.Held
	ln   net.Listener
}

// takeClaim returns a claim, or nil when the window that is open shows the view now.
func takeClaim(ctx context.Context, home, view string) (*claim, error) {
	ctx, cancel := context.WithTimeout(ctx, claimWithin)
	defer cancel()
	for {
		err := local.ShowWindow(ctx, home, view)
		if app.CodeOf(err) != app.CodeNotRunning {
			return nil, err
		}
		held, err := local.Lock(filepath.Join(home, "window.lock"))
		if err == nil {
			return listen(home, held)
		}
		if app.CodeOf(err) != app.CodeBusy {
			return nil, err
		}
		if !pause(ctx) {
			return nil, app.Errorf(app.CodeBusy, "window", "The window is open but does not answer.").
				WithHint("Close it, or end its process.").Wrap(err)
		}
	}
}

func listen(home string, held *local.Held) (*claim, error) {
	ln, err := local.Listen(local.WindowSocketPath(home))
	if err != nil {
		return nil, errors.Join(err, held.Release())
	}
	return &claim{held: held, ln: ln}, nil
}

// answer calls show for everybody who calls, once up is closed, until release.
func (c *claim) answer(ctx context.Context, up <-chan struct{}, show func(view string)) error {
	return local.AnswerShow(c.ln, func(view string) error {
		if err := checkView(view); err != nil {
			return err
		}
		select {
		case <-up:
			show(view)
			return nil
		case <-ctx.Done():
			return app.Errorf(app.CodeNotRunning, "window", "The window is closing.")
		}
	})
}

// release ends answer, and gives the claim back.
func (c *claim) release() error {
	err := c.ln.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, c.held.Release())
}

func pause(ctx context.Context) bool {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
