package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// checkpoints asks for write checkpoints. They are numbers that grow; the stream says which it has reached.
type checkpoints struct {
	cfg  Config
	link *link

	mu     sync.Mutex
	last   int64
	legacy bool // the server does not know requests with a number
}

// request returns the number of a write checkpoint that has all that was committed in the cloud before the call. noted, which
// may be nil, is told each number before it is asked for: the stream may say that it has reached one before the answer to the
// request is here. An error of it ends the request.
func (c *checkpoints) request(ctx context.Context, client string, noted func(number int64) error) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := c.link.within(ctx)
	defer cancel()
	if c.legacy {
		return c.older(ctx, client)
	}
	// A number that was used before would be reached already, so it is counted from the clock, and from what is known.
	for tries := 0; ; tries++ {
		c.last = max(c.last+1, c.cfg.Now().UnixMilli())
		if noted != nil {
			if err := noted(c.last); err != nil {
				return 0, err
			}
		}
		got, err := c.ask(ctx, client, c.last)
		var r *refusal
		if errors.As(err, &r) && (r.status == http.StatusNotFound || r.status == http.StatusMethodNotAllowed) {
			c.legacy = true
			return c.older(ctx, client)
		}
		if err != nil || got == c.last || tries == 3 {
			return got, err
		}
		c.last = max(c.last, got) // it has seen a later one: this clock was set back
	}
}

func (c *checkpoints) ask(ctx context.Context, client string, number int64) (int64, error) {
	body, err := json.Marshal(map[string]string{"client_id": client, "checkpoint_request_id": strconv.FormatInt(number, 10)})
	if err != nil {
		return 0, err
	}
	return c.number(ctx, http.MethodPost, c.cfg.Stream+"/sync/checkpoint-request", string(body))
}

// older is the way of before: the server chooses the number.
func (c *checkpoints) older(ctx context.Context, client string) (int64, error) {
	return c.number(ctx, http.MethodGet, c.cfg.Stream+"/write-checkpoint2.json?client_id="+url.QueryEscape(client), "")
}

func (c *checkpoints) number(ctx context.Context, method, address, body string) (int64, error) {
	answer, err := c.link.do(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Data struct {
			Requested string `json:"checkpoint_request_id"`
			Given     string `json:"write_checkpoint"`
		} `json:"data"`
	}
	if err := readJSON(ctx, answer.Body, maxRefusal, &said); err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(cmpOr(said.Data.Requested, said.Data.Given), 10, 64)
	if err != nil || n < 1 {
		return 0, &refusal{kind: later, status: http.StatusOK, cause: portal}
	}
	return n, nil
}
