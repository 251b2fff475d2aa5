package local

import (
	"context"
	"net/http"
	"net/url"

	"github.com/coditect-ai/coditect-sync/app"
)

// cloudRoutes are the account, the moves between the modes, and lost & found.
func (s *Server) cloudRoutes(mux *http.ServeMux) {
	svc := s.cfg.Service
	mux.Handle("POST /v1/login", answerBody(s, svc.BeginLogin))
	mux.Handle("GET /v1/login", answer(s, func(r *http.Request) (app.Login, error) { return svc.LoginState(r.Context()) }))
	mux.Handle("DELETE /v1/login", answer(s, func(r *http.Request) (nothing, error) { return nothing{}, svc.CancelLogin(r.Context()) }))
	mux.Handle("POST /v1/logout", answerBody(s, svc.Logout))
	mux.Handle("POST /v1/push", answerBody(s, svc.Push))
	mux.Handle("POST /v1/move/plan", answerBody(s, svc.PlanMove))
	mux.Handle("POST /v1/move", answerBody(s, svc.Move))
	mux.Handle("POST /v1/prove", answerBody(s, bare(svc.Prove)))
	mux.Handle("POST /v1/rebuild", answerBody(s, bare(svc.Rebuild)))
	mux.Handle("PATCH /v1/machines/{id}", machineNamed(s))
	mux.Handle("DELETE /v1/machines/{id}", answer(s, func(r *http.Request) (nothing, error) {
		return nothing{}, svc.RevokeMachine(r.Context(), r.PathValue("id"))
	}))
	s.shareRoutes(mux)
	mux.Handle("GET /v1/lost", answer(s, func(r *http.Request) ([]app.LostItem, error) {
		list, err := svc.Lost(r.Context())
		return orEmpty(list), err
	}))
	mux.Handle("POST /v1/lost/{id}/reapply", answer(s, func(r *http.Request) (app.LostItem, error) {
		return svc.ReapplyLost(r.Context(), r.PathValue("id"))
	}))
	mux.Handle("POST /v1/lost/{id}/both", answer(s, func(r *http.Request) (app.LostItem, error) {
		return svc.KeepBoth(r.Context(), r.PathValue("id"))
	}))
	mux.Handle("DELETE /v1/lost/{id}", answer(s, func(r *http.Request) (nothing, error) {
		return nothing{}, svc.DiscardLost(r.Context(), r.PathValue("id"))
	}))
}

// newName is the body that names something.
type newName struct {
	Name string `json:"name"`
}

func machineNamed(s *Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answerBody(s, func(ctx context.Context, in newName) (nothing, error) {
			return nothing{}, s.cfg.Service.RenameMachine(ctx, r.PathValue("id"), in.Name)
		}).ServeHTTP(w, r)
	})
}

// BeginLogin implements app.Doorman.
func (c *Client) BeginLogin(ctx context.Context, req app.LoginRequest) (app.Login, error) {
	return send[app.Login](ctx, c, http.MethodPost, "/v1/login", req)
}

// LoginState implements app.Doorman.
func (c *Client) LoginState(ctx context.Context) (app.Login, error) {
	return get[app.Login](ctx, c, "/v1/login")
}

// CancelLogin implements app.Doorman.
func (c *Client) CancelLogin(ctx context.Context) error {
	return c.drop(ctx, "/v1/login")
}

// Logout implements app.Doorman.
func (c *Client) Logout(ctx context.Context, req app.LogoutRequest) (app.LogoutResult, error) {
	return send[app.LogoutResult](ctx, c, http.MethodPost, "/v1/logout", req)
}

// Push implements app.Mover.
func (c *Client) Push(ctx context.Context, req app.PushRequest) (app.PushResult, error) {
	return send[app.PushResult](ctx, c, http.MethodPost, "/v1/push", req)
}

// PlanMove implements app.Mover.
func (c *Client) PlanMove(ctx context.Context, req app.MoveRequest) (app.MovePlan, error) {
	return send[app.MovePlan](ctx, c, http.MethodPost, "/v1/move/plan", req)
}

// Move implements app.Mover. A ctx that ends stops it after the step at hand; it can be gone on with.
func (c *Client) Move(ctx context.Context, req app.MoveRequest) (app.MoveResult, error) {
	return send[app.MoveResult](ctx, c, http.MethodPost, "/v1/move", req)
}

// Prove implements app.Mover.
func (c *Client) Prove(ctx context.Context) (app.Proof, error) {
	return send[app.Proof](ctx, c, http.MethodPost, "/v1/prove", nothing{})
}

// Rebuild implements app.Mover.
func (c *Client) Rebuild(ctx context.Context) (app.Status, error) {
	return send[app.Status](ctx, c, http.MethodPost, "/v1/rebuild", nothing{})
}

// RenameMachine implements app.Fleet.
func (c *Client) RenameMachine(ctx context.Context, id, name string) error {
	_, err := send[nothing](ctx, c, http.MethodPatch, "/v1/machines/"+url.PathEscape(id), newName{name})
	return err
}

// RevokeMachine implements app.Fleet.
func (c *Client) RevokeMachine(ctx context.Context, id string) error {
	return c.drop(ctx, "/v1/machines/"+url.PathEscape(id))
}

// Lost implements app.Finder.
func (c *Client) Lost(ctx context.Context) ([]app.LostItem, error) {
	return get[[]app.LostItem](ctx, c, "/v1/lost")
}

// ReapplyLost implements app.Finder.
func (c *Client) ReapplyLost(ctx context.Context, id string) (app.LostItem, error) {
	return send[app.LostItem](ctx, c, http.MethodPost, "/v1/lost/"+url.PathEscape(id)+"/reapply", nothing{})
}

// KeepBoth implements app.Finder.
func (c *Client) KeepBoth(ctx context.Context, id string) (app.LostItem, error) {
	return send[app.LostItem](ctx, c, http.MethodPost, "/v1/lost/"+url.PathEscape(id)+"/both", nothing{})
}

// DiscardLost implements app.Finder.
func (c *Client) DiscardLost(ctx context.Context, id string) error {
	return c.drop(ctx, "/v1/lost/"+url.PathEscape(id))
}

// drop asks for something to be ended or removed.
func (c *Client) drop(ctx context.Context, path string) error {
	_, _, err := call[nothing](ctx, c, http.MethodDelete, path, nil)
	return err
}
