package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

// sharingRoutes are the projects, who sees them, and the teams.
func (d *desk) sharingRoutes(mux *http.ServeMux) {
	get(mux, "/v1/projects", func() any { return append([]app.Project{}, d.now().Projects...) })
	get(mux, "/v1/teams", func() any { return append([]app.Team{}, d.now().Teams...) })
	mux.HandleFunc("GET /v1/projects/readers", func(w http.ResponseWriter, r *http.Request) {
		list, err := d.readers(r.URL.Query().Get("project"))
		reply(w, list, err)
	})
	mux.Handle("POST /v1/projects/share", post(d.share))
	mux.Handle("POST /v1/teams", post(func(_ context.Context, in newName) (app.Team, error) { return d.makeTeam(in.Name) }))
	mux.Handle("POST /v1/teams/invite", post(d.invite))
	get(mux, "/v1/teams/invitations", func() any { return append([]app.Invitation{}, d.now().Invitations...) })
	mux.Handle("POST /v1/teams/withdraw", post(d.withdraw))
	mux.Handle("POST /v1/teams/member", post(d.setMember))
}

func (d *desk) readers(project string) ([]app.Reader, error) {
	s := d.now()
	switch list, ok := s.Readers[project]; {
	case s.Status.Progress != nil && s.Status.Progress.Phase == app.PhaseOffline:
		return nil, app.Errorf(app.CodeUnreachable, "project", "%s does not answer.", scenes.Server)
	case !ok:
		return nil, app.Errorf(app.CodeNotFound, "project", "The cloud does not have this project yet, so nobody else sees it.")
	default:
		return list, nil
	}
}

// share changes who sees a project at once: here the change is in the cloud as soon as it is made.
func (d *desk) share(_ context.Context, req app.ShareRequest) (app.Project, error) {
	s := d.now()
	at := slices.IndexFunc(s.Projects, func(p app.Project) bool { return p.ID == req.Project })
	if at < 0 || !s.Projects[at].Mine {
		return app.Project{}, app.Errorf(app.CodeDenied, "share", "Only the owner of a project says who sees it.")
	}
	p := s.Projects[at]
	p.Visibility, p.Team, p.TeamName, p.MembersWrite = req.Visibility, "", "", new(!req.ReadOnly)
	readers := []app.Reader{}
	for _, one := range scenes.People() {
		one.Owner, one.CanWrite = one.User == p.Owner, one.User == p.Owner || !req.ReadOnly
		if one.Owner || req.Visibility == app.VisibleOrg || memberOf(s.Teams, req.Team, one.User) {
			readers = append(readers, one)
		}
	}
	if i := slices.IndexFunc(s.Teams, func(t app.Team) bool { return t.ID == req.Team }); i >= 0 {
		p.Team, p.TeamName = req.Team, s.Teams[i].Name
	}
	d.change(func(s *scenes.Scene) {
		s.Projects, s.Readers = slices.Clone(s.Projects), maps.Clone(s.Readers)
		s.Projects[at], s.Readers[p.ID] = p, readers
	})
	return p, nil
}

func memberOf(teams []app.Team, id, user string) bool {
	return slices.ContainsFunc(teams, func(t app.Team) bool {
		return t.ID == id && slices.ContainsFunc(t.Members, func(m app.Member) bool { return m.User == user })
	})
}

func (d *desk) makeTeam(name string) (app.Team, error) {
	if name = strings.TrimSpace(name); name == "" {
		return app.Team{}, app.Errorf(app.CodeInvalid, "team", "A team's name has 1 to 200 characters.")
	}
	me := scenes.People()[0]
	t := app.Team{ID: "t-" + name, Name: name, Members: []app.Member{{User: me.User, Email: me.Email, Name: me.Name, Admin: true, This: true}}}
	d.change(func(s *scenes.Scene) { s.Teams = append(slices.Clone(s.Teams), t) })
	return t, nil
}

// invite brings in who has an account; to others a letter goes, or where the address says so a link is for the person to pass on.
func (d *desk) invite(_ context.Context, req app.InviteRequest) (app.Invited, error) {
	people := scenes.People()
	known := slices.IndexFunc(people, func(p app.Reader) bool { return p.Email == req.Email })
	switch {
	case !strings.Contains(req.Email, "@"):
		return app.Invited{}, app.Errorf(app.CodeInvalid, "team", "The server does not invite this address.").WithHint("Nothing was changed.")
	case known >= 0:
		p := people[known]
		_, err := d.member(req.Team, func(list []app.Member) []app.Member {
			return append(list, app.Member{User: p.User, Email: p.Email, Name: p.Name, This: p.This})
		})
		return app.Invited{Joined: true}, err
	case strings.HasPrefix(req.Email, "nobody"):
		return app.Invited{}, app.Errorf(app.CodeNotFound, "team", "This server does not invite people.")
	case strings.HasPrefix(req.Email, "sam"):
		return app.Invited{Link: scenes.Server + "/invited/3f9a-77c2-0b1d-e854"}, nil
	default:
		return app.Invited{Sent: true}, d.awaits(req)
	}
}

// awaits puts somebody into a team who has not come yet.
func (d *desk) awaits(req app.InviteRequest) error {
	one := app.Invitation{Team: req.Team, User: "u-" + req.Email, Email: req.Email, By: "Mira", At: scenes.Now, Until: scenes.Now.AddDate(0, 0, 7)}
	d.change(func(s *scenes.Scene) { s.Invitations = append(slices.Clone(s.Invitations), one) })
	_, err := d.member(req.Team, func(list []app.Member) []app.Member {
		return append(list, app.Member{User: one.User, Email: one.Email})
	})
	return err
}

func (d *desk) withdraw(_ context.Context, req app.WithdrawRequest) (nothing, error) {
	d.change(func(s *scenes.Scene) {
		s.Invitations = slices.DeleteFunc(slices.Clone(s.Invitations), func(i app.Invitation) bool { return i.Team == req.Team && i.User == req.Person })
	})
	_, err := d.setMember(context.Background(), app.MemberRequest{Team: req.Team, Person: req.Person, Out: true})
	return nothing{}, err
}

func (d *desk) setMember(_ context.Context, req app.MemberRequest) (app.Team, error) {
	if strings.HasPrefix(req.Person, "nobody") {
		return app.Team{}, app.Errorf(app.CodeNotFound, "team", "Nobody here is called %q.", req.Person)
	}
	return d.member(req.Team, func(list []app.Member) []app.Member {
		if req.Out {
			return slices.DeleteFunc(list, func(m app.Member) bool { return m.User == req.Person || req.Person == "" && m.This })
		}
		for i := range list {
			list[i].Admin = list[i].Admin || list[i].User == req.Person && req.Admin
		}
		return list
	})
}

// member changes who is in a team.
func (d *desk) member(team string, edit func([]app.Member) []app.Member) (done app.Team, err error) {
	err = app.Errorf(app.CodeNotFound, "team", "There is no team %q.", team)
	d.change(func(s *scenes.Scene) {
		s.Teams = slices.Clone(s.Teams)
		for i, t := range s.Teams {
			if t.ID != team {
				continue
			}
			left := edit(slices.Clone(t.Members))
			if !slices.ContainsFunc(left, func(m app.Member) bool { return m.Admin }) {
				err = app.Errorf(app.CodeInvalid, "team", "A team keeps at least one admin.").WithHint("Nothing was changed.")
				continue
			}
			s.Teams[i].Members = left
			done, err = s.Teams[i], nil
		}
	})
	return done, err
}
