package local

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Service = (*Client)(nil)

// Status implements app.Watcher.
func (c *Client) Status(ctx context.Context) (app.Status, error) {
	return get[app.Status](ctx, c, "/v1/status")
}

// Watch implements app.Watcher by long polls. It also returns when another run of the agent answers: its revisions
// start anew. CodeNotRunning when the agent ends meanwhile.
func (c *Client) Watch(ctx context.Context, since uint64) (app.Status, error) {
	run := c.lastRun()
	query := url.Values{"since": {strconv.FormatUint(since, 10)}, "run": {run}}.Encode()
	for {
		st, answered, err := call[app.Status](ctx, c, http.MethodGet, "/v1/status?"+query, nil)
		if err != nil || since == 0 || st.Rev != since || run != "" && answered != run {
			return st, err
		}
	}
}

// EditPrefs implements app.Switch.
func (c *Client) EditPrefs(ctx context.Context, edit app.PrefsEdit) (app.Status, error) {
	return send[app.Status](ctx, c, http.MethodPatch, "/v1/prefs", edit)
}

// Setup implements app.Switch.
func (c *Client) Setup(ctx context.Context, req app.SetupRequest) (app.SetupResult, error) {
	return send[app.SetupResult](ctx, c, http.MethodPost, "/v1/setup", req)
}

// Quit implements app.Switch.
func (c *Client) Quit(ctx context.Context) error {
	_, err := send[nothing](ctx, c, http.MethodPost, "/v1/quit", nothing{})
	return err
}

// Points implements app.Restorer.
func (c *Client) Points(ctx context.Context, machine string) (app.Timeline, error) {
	return get[app.Timeline](ctx, c, "/v1/points?"+url.Values{"machine": {machine}}.Encode())
}

// PlanRestore implements app.Restorer.
func (c *Client) PlanRestore(ctx context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
	return send[app.RestorePlan](ctx, c, http.MethodPost, "/v1/restore/plan", req)
}

// Restore implements app.Restorer. A ctx that ends cancels the restore in the agent.
func (c *Client) Restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	return send[app.RestoreResult](ctx, c, http.MethodPost, "/v1/restore", req)
}

// Undo implements app.Restorer.
func (c *Client) Undo(ctx context.Context) (app.RestoreResult, error) {
	return send[app.RestoreResult](ctx, c, http.MethodPost, "/v1/undo", nothing{})
}

// Verify implements app.Inspector.
func (c *Client) Verify(ctx context.Context) (app.Drill, error) {
	return send[app.Drill](ctx, c, http.MethodPost, "/v1/verify", nothing{})
}

// Machines implements app.Inspector.
func (c *Client) Machines(ctx context.Context) ([]app.Machine, error) {
	return get[[]app.Machine](ctx, c, "/v1/machines")
}

// Doctor implements app.Inspector.
func (c *Client) Doctor(ctx context.Context) ([]app.Finding, error) {
	return get[[]app.Finding](ctx, c, "/v1/doctor")
}
