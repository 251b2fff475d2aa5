package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/coditect-ai/coditect-sync/backend"
)

func (a *API) registerMachines(api huma.API, signedIn huma.Middlewares) {
	registry := api.OpenAPI().Components.Schemas
	huma.Register(api, huma.Operation{
		OperationID: "machines", Method: http.MethodGet, Path: "/v1/machines", Summary: "One's machines",
		Middlewares: signedIn, Responses: problems(registry, 401, 429, 503),
	}, a.machinesOf)
	huma.Register(api, huma.Operation{
		OperationID: "renameMachine", Method: http.MethodPatch, Path: "/v1/machines/{id}", Summary: "Rename a machine",
		Middlewares: append(signedIn, a.withSmallBody), Responses: problems(registry, 401, 404, 413, 422, 429, 503),
	}, a.renameMachine)
	takes[newName](api, api.OpenAPI().Paths["/v1/machines/{id}"].Patch, "NewName")
	huma.Register(api, huma.Operation{
		OperationID: "revokeMachine", Method: http.MethodDelete, Path: "/v1/machines/{id}", Summary: "Sign a machine out",
		Description: "When this is answered, the tokens of the machine have ended. One may revoke the machine that asks.",
		Middlewares: signedIn, Responses: problems(registry, 401, 404, 429, 503),
	}, a.revokeMachine)
}

// machine is how a machine is shown.
type machine struct {
	ID      string    `json:"machine_id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created_at"`
	Seen    time.Time `json:"last_seen_at"`
	Revoked bool      `json:"revoked"`
	Current bool      `json:"current" doc:"It is the one that asks."`
}

type machineList struct {
	Machines []machine `json:"machines"`
}

func (a *API) machinesOf(ctx context.Context, _ *struct{}) (*answer[machineList], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	found, err := a.Machines.Machines(ctx, p)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	list := machineList{Machines: []machine{}}
	for _, m := range found {
		list.Machines = append(list.Machines, machine{m.ID, m.Name, m.Created.UTC(), m.Seen.UTC(), m.Revoked, m.ID == p.Machine})
	}
	return &answer[machineList]{list}, nil
}

// newName is the body for what has a name.
type newName struct {
	Name string `json:"name"`
}

func (a *API) renameMachine(ctx context.Context, in *machineChoice) (*struct{}, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	body, err := small[newName](ctx)
	if err == nil {
		err = a.Machines.RenameMachine(ctx, p, in.ID, body.Name)
	}
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return nil, nil
}

type machineChoice struct {
	ID string `path:"id"`
}

func (a *API) revokeMachine(ctx context.Context, in *machineChoice) (*struct{}, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	if err := a.Machines.RevokeMachine(ctx, p, in.ID); err != nil {
		return nil, a.fail(ctx, err)
	}
	return nil, nil
}
