package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/coditect-ai/coditect-sync/backend"
)

func (a *API) registerSharing(api huma.API, signedIn huma.Middlewares) {
	registry := api.OpenAPI().Components.Schemas
	huma.Register(api, huma.Operation{
		OperationID: "projects", Method: http.MethodGet, Path: "/v1/projects", Summary: "The projects one sees, and who writes there",
		Middlewares: signedIn, Responses: problems(registry, 401, 429, 503),
	}, a.projects)
	huma.Register(api, huma.Operation{
		OperationID: "readers", Method: http.MethodGet, Path: "/v1/projects/{id}/people", Summary: "Who sees a project",
		Description: "For everybody who does.",
		Middlewares: signedIn, Responses: problems(registry, 401, 404, 429, 503),
	}, a.readers)
	huma.Register(api, huma.Operation{
		OperationID: "setMembersWrite", Method: http.MethodPatch, Path: "/v1/projects/{id}", Summary: "Say whether members write into a project",
		Description: "For its owner. With whom it is shared is in its row, which is pushed.",
		Middlewares: append(signedIn, a.withSmallBody), Responses: problems(registry, 401, 403, 404, 413, 422, 429, 503),
	}, a.setMembersWrite)
	takes[permission](api, api.OpenAPI().Paths["/v1/projects/{id}"].Patch, "Permission")
}

// seen is a project that whoever asks sees.
type seen struct {
	ID           string `json:"project_id"`
	CanWrite     bool   `json:"can_write" doc:"Whoever asks may write there."`
	MembersWrite bool   `json:"members_can_write" doc:"So may those with whom it is shared."`
}

type seenList struct {
	Projects []seen `json:"projects"`
}

func (a *API) projects(ctx context.Context, _ *struct{}) (*answer[seenList], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	found, err := a.Sharing.Projects(ctx, p)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	list := seenList{Projects: []seen{}}
	for _, one := range found {
		list.Projects = append(list.Projects, seen(one))
	}
	return &answer[seenList]{list}, nil
}

// onlooker is somebody who sees a project.
type onlooker struct {
	User     string   `json:"user_id"`
	Email    string   `json:"email"`
	Name     string   `json:"name"`
	Owner    bool     `json:"owner"`
	CanWrite bool     `json:"can_write"`
	Machines []string `json:"machines" doc:"Names of the machines that are signed in and so get its rows."`
}

type readerList struct {
	People []onlooker `json:"people"`
}

type projectChoice struct {
	ID string `path:"id"`
}

func (a *API) readers(ctx context.Context, in *projectChoice) (*answer[readerList], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	found, err := a.Sharing.Readers(ctx, p, in.ID)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	list := readerList{People: []onlooker{}}
	for _, one := range found {
		list.People = append(list.People, onlooker(one))
	}
	return &answer[readerList]{list}, nil
}

// permission is what members of a project may.
type permission struct {
	MembersWrite *bool `json:"members_can_write" required:"true"`
}

func (a *API) setMembersWrite(ctx context.Context, in *projectChoice) (*struct{}, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	body, err := small[permission](ctx)
	if err == nil && body.MembersWrite == nil { // nobody takes a right away by leaving it out
		err = backend.Errorf(backend.Invalid, "members_can_write is missing.")
	}
	if err == nil {
		err = a.Sharing.SetMembersWrite(ctx, p, in.ID, *body.MembersWrite)
	}
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return nil, nil
}
