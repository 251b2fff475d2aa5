package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/coditect-ai/coditect-sync/backend"
)

func (a *API) registerAccount(api huma.API, signedIn huma.Middlewares) {
	registry := api.OpenAPI().Components.Schemas
	huma.Register(api, huma.Operation{
		OperationID: "exportAccount", Method: http.MethodGet, Path: "/v1/account/export", Summary: "All that is kept about one and by one",
		Description: `Lines of JSON, {"table":"…","row":{…}}, as of one moment. An answer that is cut off is no whole account; the last line of a whole one is {"end":true}.`,
		Middlewares: signedIn, Responses: problems(registry, 401, 429, 503),
	}, a.exportAccount)
	huma.Register(api, huma.Operation{
		OperationID: "eraseAccount", Method: http.MethodDelete, Path: "/v1/account", Summary: "Erase the account for good",
		Description: "Deletes the person and everything that he has written; his machines are signed out. The body has the account's address, so that nobody does this by a slip.",
		Middlewares: append(signedIn, a.withSmallBody), Responses: problems(registry, 401, 413, 422, 429, 503),
	}, a.eraseAccount)
	takes[erasure](api, api.OpenAPI().Paths["/v1/account"].Delete, "Erasure")
}

func (a *API) exportAccount(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	return &huma.StreamResponse{Body: func(out huma.Context) {
		r, w := humago.Unwrap(out)
		begun := false
		write := func(line []byte) error {
			if !begun {
				w.Header().Set("Content-Type", "application/x-ndjson")
				w.Header().Set("Content-Disposition", `attachment; filename="coditect-sync-account.ndjson"`)
				begun = true
			}
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)) // a test's writer has none
			_, err := w.Write(line)
			return err
		}
		err := a.Account.Export(r.Context(), p, write)
		if err == nil {
			err = write([]byte("{\"end\":true}\n"))
		}
		switch {
		case err == nil:
		case begun: // what is missing is the last line
			a.note(r.Context(), err)
		default:
			a.note(r.Context(), err)
			problemOf(err, requestID(r.Context())).write(w)
		}
	}}, nil
}

// erasure is the body that erases an account.
type erasure struct {
	Email string `json:"email" doc:"The account's address."`
}

func (a *API) eraseAccount(ctx context.Context, _ *struct{}) (*struct{}, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	body, err := small[erasure](ctx)
	if err == nil {
		err = a.Account.Erase(ctx, p, body.Email)
	}
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return nil, nil
}

func (a *API) registerInvitations(api huma.API, signedIn huma.Middlewares) {
	registry := api.OpenAPI().Components.Schemas
	huma.Register(api, huma.Operation{
		OperationID: "invite", Method: http.MethodPost, Path: "/v1/invitations", Summary: "Invite a person into a team",
		Description: "For admins of the team. Who is here already joins at once; others get a letter, or, where the server sends none, the answer has the link to pass on.",
		Middlewares: append(signedIn, a.withSmallBody), Responses: problems(registry, 401, 403, 413, 422, 429, 503),
	}, a.invite)
	huma.Register(api, huma.Operation{
		OperationID: "invitations", Method: http.MethodGet, Path: "/v1/invitations", Summary: "Invitations that nobody has taken up yet",
		Description: "Those into the teams of which one is an admin. Their links are told to nobody.",
		Middlewares: signedIn, Responses: problems(registry, 401, 429, 503),
	}, a.pending)
	huma.Register(api, huma.Operation{
		OperationID: "withdrawInvitation", Method: http.MethodDelete, Path: "/v1/teams/{id}/invitations/{user_id}", Summary: "Withdraw an invitation",
		Description: "For admins of the team. The person is no longer in it, and the link is good for nothing, unless another team invited the same person.",
		Middlewares: signedIn, Responses: problems(registry, 401, 403, 404, 429, 503),
	}, a.withdraw)
	takes[invitation](api, api.OpenAPI().Paths["/v1/invitations"].Post, "Invitation")
}

// invitation is the body that invites somebody.
type invitation struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	Team  string `json:"team_id"`
}

// invited is what became of it.
type invited struct {
	Joined bool   `json:"joined"`
	Sent   bool   `json:"sent"`
	Link   string `json:"link,omitempty" doc:"For the person alone: whoever opens it chooses the password."`
}

func (a *API) invite(ctx context.Context, _ *struct{}) (*answer[invited], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	body, err := small[invitation](ctx)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	done, err := a.Invitations.Invite(ctx, p, backend.Invitation{Email: body.Email, Name: body.Name, Team: body.Team})
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return &answer[invited]{invited(done)}, nil
}

// pending is how an invitation that waits is shown.
type pending struct {
	Team  string    `json:"team_id"`
	User  string    `json:"user_id"`
	Email string    `json:"email"`
	Name  string    `json:"name"`
	By    string    `json:"invited_by" doc:"Name or address of whoever invited; empty where he is not here any more."`
	At    time.Time `json:"invited_at"`
	Until time.Time `json:"expires_at"`
}

type pendingList struct {
	Invitations []pending `json:"invitations"`
}

func (a *API) pending(ctx context.Context, _ *struct{}) (*answer[pendingList], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	found, err := a.Invitations.Pending(ctx, p)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	list := pendingList{Invitations: []pending{}}
	for _, one := range found {
		list.Invitations = append(list.Invitations, pending(one))
	}
	return &answer[pendingList]{list}, nil
}

func (a *API) withdraw(ctx context.Context, in *memberChoice) (*struct{}, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	if err := a.Invitations.Withdraw(ctx, p, in.Team, in.User); err != nil {
		return nil, a.fail(ctx, err)
	}
	return nil, nil
}
