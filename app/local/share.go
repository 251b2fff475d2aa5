package local

import (
	"context"
	"net/http"
	"net/url"

	"github.com/coditect-ai/coditect-sync/app"
)

// shareRoutes are the projects, who sees them, and the teams.
func (s *Server) shareRoutes(mux *http.ServeMux) {
	svc := s.cfg.Service
	mux.Handle("GET /v1/projects", answer(s, func(r *http.Request) ([]app.Project, error) {
		list, err := svc.Projects(r.Context())
		return orEmpty(list), err
	}))
	mux.Handle("POST /v1/projects/share", answerBody(s, svc.ShareProject))
	mux.Handle("GET /v1/projects/readers", answer(s, func(r *http.Request) ([]app.Reader, error) {
		list, err := svc.ProjectReaders(r.Context(), r.URL.Query().Get("project"))
		return orEmpty(list), err
	}))
	mux.Handle("GET /v1/teams", answer(s, func(r *http.Request) ([]app.Team, error) {
		list, err := svc.Teams(r.Context())
		return orEmpty(list), err
	}))
	mux.Handle("POST /v1/teams", answerBody(s, func(ctx context.Context, in newName) (app.Team, error) {
		return svc.MakeTeam(ctx, in.Name)
	}))
	mux.Handle("POST /v1/teams/invite", answerBody(s, svc.Invite))
	mux.Handle("GET /v1/teams/invitations", answer(s, func(r *http.Request) ([]app.Invitation, error) {
		list, err := svc.Invitations(r.Context())
		return orEmpty(list), err
	}))
	mux.Handle("POST /v1/teams/withdraw", answerBody(s, func(ctx context.Context, req app.WithdrawRequest) (nothing, error) {
		return nothing{}, svc.Withdraw(ctx, req)
	}))
	mux.Handle("POST /v1/teams/member", answerBody(s, svc.SetMember))
}

// Projects implements app.Sharer.
func (c *Client) Projects(ctx context.Context) ([]app.Project, error) {
	return get[[]app.Project](ctx, c, "/v1/projects")
}

// ShareProject implements app.Sharer.
func (c *Client) ShareProject(ctx context.Context, req app.ShareRequest) (app.Project, error) {
	return send[app.Project](ctx, c, http.MethodPost, "/v1/projects/share", req)
}

// ProjectReaders implements app.Sharer.
func (c *Client) ProjectReaders(ctx context.Context, project string) ([]app.Reader, error) {
	return get[[]app.Reader](ctx, c, "/v1/projects/readers?"+url.Values{"project": {project}}.Encode())
}

// Teams implements app.Convener.
func (c *Client) Teams(ctx context.Context) ([]app.Team, error) {
	return get[[]app.Team](ctx, c, "/v1/teams")
}

// MakeTeam implements app.Convener.
func (c *Client) MakeTeam(ctx context.Context, name string) (app.Team, error) {
	return send[app.Team](ctx, c, http.MethodPost, "/v1/teams", newName{name})
}

// Invite implements app.Convener.
func (c *Client) Invite(ctx context.Context, req app.InviteRequest) (app.Invited, error) {
	return send[app.Invited](ctx, c, http.MethodPost, "/v1/teams/invite", req)
}

// SetMember implements app.Convener.
func (c *Client) SetMember(ctx context.Context, req app.MemberRequest) (app.Team, error) {
	return send[app.Team](ctx, c, http.MethodPost, "/v1/teams/member", req)
}

// Invitations implements app.Convener.
func (c *Client) Invitations(ctx context.Context) ([]app.Invitation, error) {
	return get[[]app.Invitation](ctx, c, "/v1/teams/invitations")
}

// Withdraw implements app.Convener.
func (c *Client) Withdraw(ctx context.Context, req app.WithdrawRequest) error {
	_, err := send[nothing](ctx, c, http.MethodPost, "/v1/teams/withdraw", req)
	return err
}
