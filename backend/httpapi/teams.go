package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/coditect-ai/coditect-sync/backend"
)

func (a *API) registerTeams(api huma.API, signedIn huma.Middlewares) {
	registry := api.OpenAPI().Components.Schemas
	operation := func(id, method, path, summary string, statuses ...int) huma.Operation {
		middlewares := slices.Clone(signedIn)
		if method == http.MethodPost || method == http.MethodPut {
			middlewares = append(middlewares, a.withSmallBody)
		}
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Middlewares: middlewares,
			Responses: problems(registry, append(statuses, 401, 429, 503)...)}
	}
	huma.Register(api, operation("people", http.MethodGet, "/v1/people", "Everybody whom one can share with"), a.people)
	huma.Register(api, operation("teams", http.MethodGet, "/v1/teams", "Teams and who is in them"), a.teams)
	huma.Register(api, operation("makeTeam", http.MethodPost, "/v1/teams", "Make a team, and be its admin", 413, 422), a.makeTeam)
	huma.Register(api, operation("setMember", http.MethodPut, "/v1/teams/{id}/members/{user_id}", "Put a person into a team, as an admin or not", 403, 404, 413, 422), a.setMember)
	huma.Register(api, operation("removeMember", http.MethodDelete, "/v1/teams/{id}/members/{user_id}", "Take a person out of a team, or leave it", 403, 404, 422), a.removeMember)
	takes[newName](api, api.OpenAPI().Paths["/v1/teams"].Post, "NewName")
	takes[standing](api, api.OpenAPI().Paths["/v1/teams/{id}/members/{user_id}"].Put, "Standing")
}

// person is how a user is shown.
type person struct {
	ID       string `json:"user_id"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Disabled bool   `json:"disabled"`
	Current  bool   `json:"current" doc:"It is whoever asks."`
}

type personList struct {
	People []person `json:"people"`
}

func (a *API) people(ctx context.Context, _ *struct{}) (*answer[personList], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	found, err := a.Teams.People(ctx, p)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	list := personList{People: []person{}}
	for _, u := range found {
		list.People = append(list.People, person{u.ID, u.Email, u.Name, u.Disabled, u.ID == p.User})
	}
	return &answer[personList]{list}, nil
}

// member is how somebody in a team is shown.
type member struct {
	User  string `json:"user_id"`
	Admin bool   `json:"admin"`
}

type team struct {
	ID      string   `json:"team_id"`
	Name    string   `json:"name"`
	Members []member `json:"members"`
}

type teamList struct {
	Teams []team `json:"teams"`
}

func (a *API) teams(ctx context.Context, _ *struct{}) (*answer[teamList], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	found, err := a.Teams.Teams(ctx, p)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	list := teamList{Teams: []team{}}
	for _, t := range found {
		members := []member{}
		for _, m := range t.Members {
			members = append(members, member(m))
		}
		list.Teams = append(list.Teams, team{t.ID, t.Name, members})
	}
	return &answer[teamList]{list}, nil
}

type teamID struct {
	ID string `json:"team_id"`
}

func (a *API) makeTeam(ctx context.Context, _ *struct{}) (*answer[teamID], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	body, err := small[newName](ctx)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	id, err := a.Teams.MakeTeam(ctx, p, body.Name)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return &answer[teamID]{teamID{id}}, nil
}

// standing is what somebody is in a team.
type standing struct {
	Admin bool `json:"admin,omitempty"`
}

func (a *API) setMember(ctx context.Context, in *memberChoice) (*struct{}, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	body, err := small[standing](ctx)
	if err == nil {
		err = a.Teams.SetMember(ctx, p, in.Team, backend.Member{User: in.User, Admin: body.Admin})
	}
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return nil, nil
}

type memberChoice struct {
	Team string `path:"id"`
	User string `path:"user_id"`
}

func (a *API) removeMember(ctx context.Context, in *memberChoice) (*struct{}, error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	if err := a.Teams.RemoveMember(ctx, p, in.Team, in.User); err != nil {
		return nil, a.fail(ctx, err)
	}
	return nil, nil
}
