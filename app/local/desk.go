package local

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/coditect-ai/coditect-sync/app"
)

// deskRoutes are what the window asks beyond the verbs of the command line.
func (s *Server) deskRoutes(mux *http.ServeMux) {
	svc := s.cfg.Service
	mux.Handle("POST /v1/preview", answerBody(s, s.preview))
	mux.Handle("GET /v1/activity", answer(s, s.activity))
	mux.Handle("POST /v1/target/try", answerBody(s, svc.TryTarget))
	mux.Handle("POST /v1/key", answerBody(s, func(ctx context.Context, _ nothing) (app.RecoveryKey, error) { return svc.NewKey(ctx) }))
	mux.Handle("PUT /v1/key", answerBody(s, func(ctx context.Context, k keptKey) (nothing, error) { return nothing{}, svc.KeepKey(ctx, k.Key) }))
	mux.Handle("GET /v1/settings", answer(s, func(r *http.Request) (app.Settings, error) { return svc.Settings(r.Context()) }))
	mux.Handle("PATCH /v1/settings", answerBody(s, svc.EditSettings))
	mux.Handle("POST /v1/retention/plan", answerBody(s, func(ctx context.Context, ask retentionAsk) (app.RetentionPlan, error) {
		return svc.PlanRetention(ctx, ask.Wish)
	}))
	mux.Handle("GET /v1/diagnostics", answer(s, func(r *http.Request) (map[string]string, error) { return svc.Diagnostics(r.Context()) }))
}

// retentionAsk is the body of a question about another retention.
type retentionAsk struct {
	Wish string `json:"wish"`
}

// keptKey is the body that gives a recovery key.
type keptKey struct {
	Key app.Secret `json:"key"`
}

func (s *Server) preview(ctx context.Context, req app.RestoreRequest) (app.Preview, error) {
	p, err := s.cfg.Service.Preview(ctx, req)
	p.Tables = orEmpty(p.Tables)
	return p, err
}

func (s *Server) activity(r *http.Request) ([]app.Event, error) {
	limit := 0
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 0 {
			return nil, app.Errorf(app.CodeInvalid, "activity", "%q is not a number of events.", text)
		}
	}
	list, err := s.cfg.Service.Activity(r.Context(), limit)
	return orEmpty(list), err
}

// Flush implements app.Switch.
func (c *Client) Flush(ctx context.Context) (app.RestorePoint, error) {
	return send[app.RestorePoint](ctx, c, http.MethodPost, "/v1/flush", nothing{})
}

// Preview implements app.Previewer.
func (c *Client) Preview(ctx context.Context, req app.RestoreRequest) (app.Preview, error) {
	return send[app.Preview](ctx, c, http.MethodPost, "/v1/preview", req)
}

// Activity implements app.Chronicle.
func (c *Client) Activity(ctx context.Context, limit int) ([]app.Event, error) {
	return get[[]app.Event](ctx, c, "/v1/activity?"+url.Values{"limit": {strconv.Itoa(limit)}}.Encode())
}

// NewKey implements app.Outfitter.
func (c *Client) NewKey(ctx context.Context) (app.RecoveryKey, error) {
	return send[app.RecoveryKey](ctx, c, http.MethodPost, "/v1/key", nothing{})
}

// KeepKey implements app.Outfitter.
func (c *Client) KeepKey(ctx context.Context, key app.Secret) error {
	_, err := send[nothing](ctx, c, http.MethodPut, "/v1/key", keptKey{key})
	return err
}

// TryTarget implements app.Outfitter.
func (c *Client) TryTarget(ctx context.Context, req app.SetupRequest) (app.TargetTrial, error) {
	return send[app.TargetTrial](ctx, c, http.MethodPost, "/v1/target/try", req)
}

// Settings implements app.Outfitter.
func (c *Client) Settings(ctx context.Context) (app.Settings, error) {
	return get[app.Settings](ctx, c, "/v1/settings")
}

// EditSettings implements app.Outfitter.
func (c *Client) EditSettings(ctx context.Context, edit app.SettingsEdit) (app.Settings, error) {
	return send[app.Settings](ctx, c, http.MethodPatch, "/v1/settings", edit)
}

// PlanRetention implements app.Outfitter.
func (c *Client) PlanRetention(ctx context.Context, wish string) (app.RetentionPlan, error) {
	return send[app.RetentionPlan](ctx, c, http.MethodPost, "/v1/retention/plan", retentionAsk{wish})
}

// Diagnostics implements app.Outfitter.
func (c *Client) Diagnostics(ctx context.Context) (map[string]string, error) {
	return get[map[string]string](ctx, c, "/v1/diagnostics")
}
