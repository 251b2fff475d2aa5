package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// maxReply bounds what a client reads: the largest reply is a timeline.
const maxReply = 64 << 20

// Client asks the agent that listens on a socket. It implements app.Service and may be used by many goroutines. It
// keeps no connection between calls, so it needs no Close and never meets one of an agent that is gone.
type Client struct {
	version string
	http    *http.Client

	mu    sync.Mutex
	agent string // version of the agent, as last seen
	run   string // run of the agent, as last seen
}

// NewClient returns a client of the agent at socket for a program of this version. Nothing is connected yet.
func NewClient(socket, version string) *Client {
	return &Client{version: version, http: &http.Client{Transport: Transport(socket)}}
}

// Transport carries requests to the agent at socket, whatever host they name. It keeps no connection between them.
func Transport(socket string) http.RoundTripper {
	return &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, socket) },
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
}

// AgentVersion is the version of the agent that answered last; empty before the first answer.
func (c *Client) AgentVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.agent
}

// lastRun is the run of the agent that answered last.
func (c *Client) lastRun() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.run
}

func (c *Client) saw(h http.Header) (run string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agent, c.run = h.Get(VersionHeader), h.Get(RunHeader)
	return c.run
}

// get asks for a T.
func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	out, _, err := call[T](ctx, c, http.MethodGet, path, nil)
	return out, err
}

// send asks for a T with in as the body.
func send[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return *new(T), app.Errorf(app.CodeInvalid, path, "The request cannot be written.").Wrap(err)
	}
	out, _, err := call[T](ctx, c, method, path, body)
	return out, err
}

// call returns the reply and the run of the agent that gave it.
func call[T any](ctx context.Context, c *Client, method, path string, body []byte) (out T, run string, err error) {
	status, header, raw, err := c.do(ctx, method, path, body)
	if err != nil {
		return out, "", err
	}
	run = c.saw(header)
	if status != http.StatusOK {
		return out, run, c.refusal(path, raw)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, run, c.hinted(app.Errorf(app.CodeFailed, path, "The agent's reply is not understood.").Wrap(err))
	}
	return out, run, nil
}

// do returns the whole reply.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (status int, header http.Header, raw []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+Host+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, app.Errorf(app.CodeInvalid, path, "The request cannot be made.").Wrap(err)
	}
	req.Header.Set("Content-Type", jsonType)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, nil, Unanswered(ctx, err)
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return 0, nil, nil, Unanswered(ctx, err)
	}
	return resp.StatusCode, resp.Header, raw, nil
}

// Unanswered says for a person why Transport brought no reply: err is its error, ctx the one of the request.
func Unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return app.Errorf(app.CodeCanceled, "connect", "The wait for the agent was ended.").Wrap(ctx.Err())
	}
	if e, ok := errors.AsType[*app.Error](err); ok {
		return e
	}
	if errors.Is(err, fs.ErrPermission) {
		return app.Errorf(app.CodeDenied, "connect", "The agent runs as another user.").
			WithHint("The agent and its commands must run as the same user.").Wrap(err)
	}
	sentence := "CODITECT Sync stopped before it answered."
	if nobodyListens(err) {
		sentence = "CODITECT Sync is not running, so nothing is protected."
	}
	return app.Errorf(app.CodeNotRunning, "connect", "%s", sentence).
		WithHint("Start it.").Typed(`Start it with "coditect-sync start".`).Wrap(err)
}

// refusal is the agent's own error, code and hint intact.
func (c *Client) refusal(path string, raw []byte) error {
	var e app.Error
	if err := json.Unmarshal(raw, &e); err != nil || e.Code == "" {
		return c.hinted(app.Errorf(app.CodeFailed, path, "The agent's reply is not understood.").Wrap(err))
	}
	return c.hinted(&e)
}

// hinted adds the likeliest cure where agent and program are of different versions and nothing better is known.
func (c *Client) hinted(e *app.Error) error {
	if agent := c.AgentVersion(); e.Hint == "" && agent != c.version {
		return e.WithHint("The agent is version %s and this program %s: end the agent and start it again.", agent, c.version).
			Typed("The agent is version %s and this program %s: end the agent with \"coditect-sync quit\" and start it again.",
				agent, c.version)
	}
	return e
}
