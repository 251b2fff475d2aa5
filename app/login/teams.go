package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// somebody is how the server shows somebody.
type somebody struct {
	ID       string `json:"user_id"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Disabled bool   `json:"disabled"`
	Current  bool   `json:"current"`
	Owner    bool   `json:"owner"`
	CanWrite bool   `json:"can_write"`
	// Machines are nil where the server is too old to tell.
	Machines []string `json:"machines"`
}

// Everybody lists whom one can share with. Errors of this and the rest are those of Token, or CodeUnreachable.
func (s *Session) Everybody(ctx context.Context) ([]app.Member, error) {
	var said struct {
		People []somebody `json:"people"`
	}
	if err := s.about(ctx, http.MethodGet, "/v1/people", nil, &said, ""); err != nil {
		return nil, err
	}
	var list []app.Member
	for _, p := range said.People {
		if !p.Disabled {
			list = append(list, app.Member{User: p.ID, Email: oneLine(p.Email), Name: oneLine(p.Name), This: p.Current})
		}
	}
	return list, nil
}

// Teams lists the teams with their members, admins first and then by address.
func (s *Session) Teams(ctx context.Context) ([]app.Team, error) {
	var said struct {
		Teams []struct {
			ID      string `json:"team_id"`
			Name    string `json:"name"`
			Members []struct {
				User  string `json:"user_id"`
				Admin bool   `json:"admin"`
			} `json:"members"`
		} `json:"teams"`
	}
	people, err := s.Everybody(ctx)
	if err == nil {
		err = s.about(ctx, http.MethodGet, "/v1/teams", nil, &said, "")
	}
	if err != nil {
		return nil, err
	}
	byID := map[string]app.Member{}
	for _, p := range people {
		byID[p.User] = p
	}
	list := make([]app.Team, 0, len(said.Teams))
	for _, t := range said.Teams {
		team := app.Team{ID: t.ID, Name: oneLine(t.Name), Members: []app.Member{}}
		for _, m := range t.Members {
			one := byID[m.User]
			one.User, one.Admin = m.User, m.Admin
			team.Members = append(team.Members, one)
		}
		slices.SortStableFunc(team.Members, first)
		list = append(list, team)
	}
	return list, nil
}

// first puts admins first, whom one asks, and then goes by address.
func first(a, b app.Member) int {
	if a.Admin != b.Admin {
		if a.Admin {
			return -1
		}
		return 1
	}
	return strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email))
}

// MakeTeam makes a team whose admin is the person who is signed in. CodeInvalid for a name that cannot be.
func (s *Session) MakeTeam(ctx context.Context, name string) (id string, err error) {
	var said struct {
		ID string `json:"team_id"`
	}
	err = s.about(ctx, http.MethodPost, "/v1/teams", map[string]string{"name": name}, &said, "A team's name has 1 to 200 characters.")
	return said.ID, err
}

// Invite brings somebody into a team, who may have no account yet. CodeDenied for who is no admin of it.
func (s *Session) Invite(ctx context.Context, req app.InviteRequest) (done app.Invited, err error) {
	in := map[string]string{"email": req.Email, "name": req.Name, "team_id": req.Team}
	err = s.about(ctx, http.MethodPost, "/v1/invitations", in, &done, "The server does not invite this address.")
	if app.CodeOf(err) == app.CodeNotFound {
		err = app.Errorf(app.CodeNotFound, "team", "This server does not invite people.").
			WithHint("Who has an account can be brought in by e-mail address; whoever runs the server adds others.").
			Typed("`coditect-sync team join TEAM EMAIL` brings in who has an account; whoever runs the server adds others.").Wrap(err)
	}
	return done, err
}

// Invitations lists those that nobody has taken up yet. CodeNotFound where the server invites nobody, or is too old.
func (s *Session) Invitations(ctx context.Context) ([]app.Invitation, error) {
	var said struct {
		Invitations []app.Invitation `json:"invitations"`
	}
	err := s.about(ctx, http.MethodGet, "/v1/invitations", nil, &said, "")
	if app.CodeOf(err) == app.CodeNotFound {
		err = app.Errorf(app.CodeNotFound, "team", "This server does not invite people.").WithHint("Whoever runs it adds them.").Wrap(err)
	}
	for i := range said.Invitations {
		one := &said.Invitations[i]
		one.Email, one.Name, one.By = oneLine(one.Email), oneLine(one.Name), oneLine(one.By)
	}
	return said.Invitations, err
}

// Withdraw takes an invitation back. CodeDenied for who is no admin of the team, CodeNotFound for what is none any more.
func (s *Session) Withdraw(ctx context.Context, team, user string) error {
	return s.about(ctx, http.MethodDelete, "/v1/teams/"+url.PathEscape(team)+"/invitations/"+url.PathEscape(user), nil, nil, "")
}

// SetMember puts somebody into a team or takes somebody out. CodeDenied for who is no admin of it, CodeInvalid for the last one.
func (s *Session) SetMember(ctx context.Context, req app.MemberRequest) error {
	path := "/v1/teams/" + url.PathEscape(req.Team) + "/members/" + url.PathEscape(req.Person)
	const last = "A team keeps at least one admin."
	if req.Out {
		return s.about(ctx, http.MethodDelete, path, nil, nil, last)
	}
	return s.about(ctx, http.MethodPut, path, map[string]bool{"admin": req.Admin}, nil, last)
}

// Access is what the person sees, by the project's id, with who may write.
func (s *Session) Access(ctx context.Context) (map[string]app.Project, error) {
	var said struct {
		Projects []struct {
			ID           string `json:"project_id"`
			CanWrite     bool   `json:"can_write"`
			MembersWrite bool   `json:"members_can_write"`
		} `json:"projects"`
	}
	if err := s.about(ctx, http.MethodGet, "/v1/projects", nil, &said, ""); err != nil {
		return nil, err
	}
	all := map[string]app.Project{}
	for _, p := range said.Projects {
		all[p.ID] = app.Project{ID: p.ID, CanWrite: &p.CanWrite, MembersWrite: &p.MembersWrite}
	}
	return all, nil
}

// Readers are who sees a project. CodeNotFound for one that this person does not see.
func (s *Session) Readers(ctx context.Context, project string) ([]app.Reader, error) {
	var said struct {
		People []somebody `json:"people"`
	}
	if err := s.about(ctx, http.MethodGet, "/v1/projects/"+url.PathEscape(project)+"/people", nil, &said, ""); err != nil {
		return nil, err
	}
	list := make([]app.Reader, 0, len(said.People))
	for _, p := range said.People {
		for i, name := range p.Machines {
			p.Machines[i] = oneLine(name)
		}
		list = append(list, app.Reader{
			User: p.ID, Email: oneLine(p.Email), Name: oneLine(p.Name), Owner: p.Owner, CanWrite: p.CanWrite, Machines: p.Machines,
		})
	}
	return list, nil
}

// SetMembersWrite says whether members write into a project. CodeNotFound for one that the server does not have, CodeDenied for
// somebody else's.
func (s *Session) SetMembersWrite(ctx context.Context, project string, may bool) error {
	return s.about(ctx, http.MethodPatch, "/v1/projects/"+url.PathEscape(project), map[string]bool{"members_can_write": may}, nil, "")
}

// about is call for what is about people: the answers have other sentences than those about machines. wrong is what the server
// does not take.
func (s *Session) about(ctx context.Context, method, path string, in, into any, wrong string) error {
	err := s.call(ctx, method, path, in, into)
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	switch r.status {
	case http.StatusForbidden:
		return app.Errorf(app.CodeDenied, "team", "The server does not permit you that.").WithHint("Ask an admin of the team.").Wrap(err)
	case http.StatusNotFound:
		return app.Errorf(app.CodeNotFound, "team", "The server does not have that.").
			WithHint("Somebody may have removed it, or the server is too old.").
			Typed("Somebody may have removed it, or the server is too old. `coditect-sync team members` lists the teams.").Wrap(err)
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		if wrong == "" {
			wrong = "The server does not take that."
		}
		return app.Errorf(app.CodeInvalid, "team", "%s", wrong).WithHint("Nothing was changed.").Wrap(err)
	}
	return err
}
