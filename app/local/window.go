package local

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// A window listens on a socket of its own, so that whoever wants to open one finds the one that is open: a line with
// JSON each way, and the end.

const (
	// showWithin is how long a window may take to come to the front; one that is just starting takes the longest.
	showWithin = 15 * time.Second
	maxShow    = 64 << 10
)

// show is what is asked of a window.
type show struct {
	View string `json:"view"`
}

// ShowWindow asks the open window of home to come to the front and to show a view (empty: the one that it shows), and
// returns when it did. It waits for a window that is starting. CodeNotRunning when there is none.
func ShowWindow(ctx context.Context, home, view string) error {
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	conn, err := dial(ctx, WindowSocketPath(home))
	if err != nil {
		return noWindow(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := json.NewEncoder(conn).Encode(show{View: view}); err != nil {
		return noWindow(ctx, err)
	}
	var refusal app.Error
	if err := json.NewDecoder(io.LimitReader(conn, maxShow)).Decode(&refusal); err != nil {
		return noWindow(ctx, err)
	}
	if refusal.Code != "" {
		return &refusal
	}
	return nil
}

func noWindow(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return app.Errorf(app.CodeBusy, "window", "The window is there but does not answer.").Wrap(err)
	}
	if app.CodeOf(err) == app.CodeDenied {
		return err
	}
	return app.Errorf(app.CodeNotRunning, "window", "No window is open.").Wrap(err)
}

// AnswerShow calls f for every ShowWindow that arrives on ln, from as many goroutines as there are questions. It
// returns nil when ln is closed, after the last of them.
func AnswerShow(ln net.Listener, f func(view string) error) error {
	var asked sync.WaitGroup
	defer asked.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return app.Errorf(app.CodeFailed, "window", "The window can no longer be called.").Wrap(err)
		}
		asked.Go(func() { answerShow(conn, f) })
	}
}

func answerShow(conn net.Conn, f func(view string) error) {
	defer func() { _ = conn.Close() }()
	if checkPeer(conn) != nil || conn.SetDeadline(time.Now().Add(showWithin)) != nil {
		return
	}
	var in show
	if err := json.NewDecoder(io.LimitReader(conn, maxShow)).Decode(&in); err != nil {
		return
	}
	reply := app.AsError("window", f(in.View))
	if reply == nil {
		reply = &app.Error{}
	}
	_ = json.NewEncoder(conn).Encode(reply) // whoever asked may be gone
}
