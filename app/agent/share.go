package agent

import (
	"context"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// People is what is asked of the account's server about people, their teams, and who sees which project. Ids are whole ones.
type People interface {
	// Teams lists the teams with their members, by name.
	Teams(ctx context.Context) ([]app.Team, error)
	// Everybody lists whom one can share with.
	Everybody(ctx context.Context) ([]app.Member, error)
	MakeTeam(ctx context.Context, name string) (id string, err error)
	Invite(ctx context.Context, req app.InviteRequest) (app.Invited, error)
	Invitations(ctx context.Context) ([]app.Invitation, error)
	Withdraw(ctx context.Context, team, user string) error
	SetMember(ctx context.Context, req app.MemberRequest) error
	// Access is what this person sees, by the project's id: CanWrite and MembersWrite of it are set.
	Access(ctx context.Context) (map[string]app.Project, error)
	// Readers are who sees a project. CodeNotFound for one that this person does not see.
	Readers(ctx context.Context, project string) ([]app.Reader, error)
	// SetMembersWrite says whether members write into a project of this person's.
	SetMembersWrite(ctx context.Context, project string, may bool) error
}

// Projects implements app.Sharer.
func (a *Agent) Projects(ctx context.Context) ([]app.Project, error) {
	list, err := a.projects(ctx)
	if door := a.fleet(); err == nil && door != nil && len(list) > 0 {
		a.addKnown(ctx, door, list)
	}
	return list, err
}

// projects are those of the file.
func (a *Agent) projects(ctx context.Context) (list []app.Project, err error) {
	err = a.withFile(ctx, "project", func(f File) error {
		list, err = f.Projects(ctx)
		return err
	})
	if app.CodeOf(err) == app.CodeNotFound {
		return nil, nil // no file, so no projects
	}
	who, _ := a.account()
	for i := range list {
		p := &list[i]
		if p.Mine = p.Owner == "" || p.Owner == who.User; p.Mine {
			p.CanWrite, p.OwnerName = new(true), who.Who()
		}
	}
	return list, err
}

// addKnown adds what the server knows; without it the list is what the file has.
func (a *Agent) addKnown(ctx context.Context, door Door, list []app.Project) {
	access, err := door.Access(ctx)
	if err != nil {
		a.log.Info("who may write is not known", "error", err)
		return
	}
	teams, err := door.Teams(ctx)
	if err != nil {
		a.log.Info("teams are not known", "error", err)
	}
	people, err := door.Everybody(ctx)
	if err != nil {
		a.log.Info("people are not known", "error", err)
	}
	for i := range list {
		p := &list[i]
		if known, ok := access[p.ID]; ok {
			p.CanWrite, p.MembersWrite = known.CanWrite, known.MembersWrite
		}
		p.TeamName = teamName(teams, p.Team)
		if n := slices.IndexFunc(people, func(m app.Member) bool { return m.User == p.Owner }); n >= 0 {
			p.OwnerName = called(people[n])
		}
	}
}

func teamName(teams []app.Team, id string) string {
	for _, t := range teams {
		if t.ID == id {
			return t.Name
		}
	}
	return ""
}

func called(m app.Member) string {
	if m.Email != "" {
		return m.Email
	}
	return m.Name
}

// ShareProject implements app.Sharer. Fewer people see and write before more do: what members may do is settled at the server
// before the file says that there are any.
func (a *Agent) ShareProject(ctx context.Context, req app.ShareRequest) (app.Project, error) {
	door := a.fleet()
	if door == nil {
		return app.Project{}, noAccount("share")
	}
	p, err := a.project(ctx, req.Project)
	if err != nil {
		return app.Project{}, err
	}
	if !p.Mine {
		return app.Project{}, app.Errorf(app.CodeDenied, "share", "Only the owner of a project says who sees it.").
			Typed("`coditect-sync project who %s` tells who that is.", p.ID)
	}
	if err := a.settleShare(ctx, door, req, &p); err != nil {
		return app.Project{}, err
	}
	err = a.withFile(ctx, "share", func(f File) error { return f.ShareProject(ctx, p.ID, p.Visibility, p.Team) })
	if err == nil {
		a.note(app.Event{Kind: app.EventSync, Text: "It was changed who sees a project"})
	}
	return p, err
}

// settleShare checks who is to see a project, and tells the server what they may do.
func (a *Agent) settleShare(ctx context.Context, door Door, req app.ShareRequest, p *app.Project) error {
	p.Visibility, p.Team, p.TeamName, p.MembersWrite = req.Visibility, "", "", nil
	switch req.Visibility {
	case app.VisiblePrivate:
		return nil // offline, too: nobody must wait for the network to hide something
	case app.VisibleOrg:
	case app.VisibleTeam:
		t, err := a.team(ctx, door, req.Team)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(t.Members, func(m app.Member) bool { return m.This }) {
			return app.Errorf(app.CodeDenied, "share", "You are not in that team.").WithHint("%s", askAdmins(t))
		}
		p.Team, p.TeamName = t.ID, t.Name
	default:
		return app.Errorf(app.CodeInvalid, "share", "Who is to see the project is not said.").
			WithHint("Say with whom.").Typed("Add --private, --team NAME or --org.")
	}
	err := door.SetMembersWrite(ctx, p.ID, !req.ReadOnly)
	switch {
	case app.CodeOf(err) != app.CodeNotFound:
	case req.ReadOnly:
		return app.Errorf(app.CodeNotFound, "share", "The cloud does not have this project yet, so it cannot keep members from writing.").
			WithHint("It can be shared once it has gone up.").Typed("Run `coditect-sync push`, then share it.")
	default:
		err = nil // one that is new there is written by its members
	}
	p.MembersWrite = new(!req.ReadOnly)
	return err
}

// ProjectReaders implements app.Sharer.
func (a *Agent) ProjectReaders(ctx context.Context, project string) ([]app.Reader, error) {
	door := a.fleet()
	if door == nil {
		return nil, noAccount("project")
	}
	p, err := a.project(ctx, project)
	if err != nil {
		return nil, err
	}
	list, err := door.Readers(ctx, p.ID)
	if app.CodeOf(err) == app.CodeNotFound {
		err = app.Errorf(app.CodeNotFound, "project", "The cloud does not have this project yet, so nobody else sees it.").
			WithHint("It goes up by itself.").Typed("`coditect-sync push` sends what waits.").Wrap(err)
	}
	who, _ := a.account()
	for i := range list {
		list[i].This = list[i].User == who.User
	}
	return list, err
}

// Teams implements app.Convener.
func (a *Agent) Teams(ctx context.Context) ([]app.Team, error) {
	door := a.fleet()
	if door == nil {
		return nil, noAccount("team")
	}
	return door.Teams(ctx)
}

// MakeTeam implements app.Convener.
func (a *Agent) MakeTeam(ctx context.Context, name string) (app.Team, error) {
	door := a.fleet()
	if door == nil {
		return app.Team{}, noAccount("team")
	}
	id, err := door.MakeTeam(ctx, name)
	if err != nil {
		return app.Team{}, err
	}
	a.note(app.Event{Kind: app.EventAccount, Text: "A team was made"})
	return a.team(ctx, door, id)
}

// Invite implements app.Convener.
func (a *Agent) Invite(ctx context.Context, req app.InviteRequest) (app.Invited, error) {
	door := a.fleet()
	if door == nil {
		return app.Invited{}, noAccount("team")
	}
	t, err := a.team(ctx, door, req.Team)
	if err != nil {
		return app.Invited{}, err
	}
	req.Team = t.ID
	done, err := door.Invite(ctx, req)
	if err == nil {
		a.note(app.Event{Kind: app.EventAccount, Text: "Somebody was invited into a team"})
	}
	return done, forAdmins(err, t)
}

// Invitations implements app.Convener.
func (a *Agent) Invitations(ctx context.Context) ([]app.Invitation, error) {
	door := a.fleet()
	if door == nil {
		return nil, noAccount("team")
	}
	return door.Invitations(ctx)
}

// Withdraw implements app.Convener.
func (a *Agent) Withdraw(ctx context.Context, req app.WithdrawRequest) error {
	door := a.fleet()
	if door == nil {
		return noAccount("team")
	}
	t, err := a.team(ctx, door, req.Team)
	if err != nil {
		return err
	}
	list, err := door.Invitations(ctx)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(i app.Invitation) bool { return i.Team != t.ID })
	one, err := meantOf("invitation", req.Person, list, func(i app.Invitation) (string, []string) { return i.User, []string{i.Email, i.Name} })
	if err == nil {
		err = door.Withdraw(ctx, t.ID, one.User)
	}
	if err == nil {
		a.note(app.Event{Kind: app.EventAccount, Text: "An invitation into a team was withdrawn"})
	}
	return forAdmins(err, t)
}

// SetMember implements app.Convener.
func (a *Agent) SetMember(ctx context.Context, req app.MemberRequest) (app.Team, error) {
	door := a.fleet()
	if door == nil {
		return app.Team{}, noAccount("team")
	}
	t, err := a.team(ctx, door, req.Team)
	if err != nil {
		return app.Team{}, err
	}
	req.Team = t.ID
	if req.Person, err = a.person(ctx, door, req.Person); err != nil {
		return app.Team{}, err
	}
	n := slices.IndexFunc(t.Members, func(m app.Member) bool { return m.User == req.Person })
	if n < 0 && req.Out || n >= 0 && !req.Out && (t.Members[n].Admin || !req.Admin) {
		return t, nil // it is so already
	}
	if err := door.SetMember(ctx, req); err != nil {
		return app.Team{}, forAdmins(err, t)
	}
	a.note(app.Event{Kind: app.EventAccount, Text: "The members of a team were changed"})
	return a.team(ctx, door, t.ID)
}

// person is the id of whom a person means; whoever asks where nobody is named.
func (a *Agent) person(ctx context.Context, door Door, meant string) (string, error) {
	if meant == "" {
		who, _ := a.account()
		return who.User, nil
	}
	people, err := door.Everybody(ctx)
	if err != nil {
		return "", err
	}
	m, err := meantOf("person", meant, people, func(m app.Member) (string, []string) { return m.User, []string{m.Email, m.Name} })
	if app.CodeOf(err) == app.CodeNotFound {
		err = app.Errorf(app.CodeNotFound, "team", "Nobody here is called %q.", meant).
			WithHint("Invite whoever has no account.").Typed("`coditect-sync team invite` brings in somebody without an account.")
	}
	return m.User, err
}

func (a *Agent) team(ctx context.Context, door Door, meant string) (app.Team, error) {
	teams, err := door.Teams(ctx)
	if err != nil {
		return app.Team{}, err
	}
	return meantOf("team", meant, teams, func(t app.Team) (string, []string) { return t.ID, []string{t.Name} })
}

func (a *Agent) project(ctx context.Context, meant string) (app.Project, error) {
	list, err := a.projects(ctx)
	if err != nil {
		return app.Project{}, err
	}
	return meantOf("project", meant, list, func(p app.Project) (string, []string) { return p.ID, []string{p.Name} })
}

// meantOf is the one of a list that a person means by an id, a name in any case, or the beginning of an id, in this order: an id
// is never taken for the beginning of another one. op is what the things are, and the verb that lists them.
func meantOf[T any](op, meant string, list []T, of func(T) (id string, names []string)) (none T, err error) {
	if meant == "" {
		return none, app.Errorf(app.CodeInvalid, op, "Which %s is not said.", op).Typed("`coditect-sync %s` lists them.", listOf(op))
	}
	fits := []func(id string, names []string) bool{
		func(id string, _ []string) bool { return id == meant },
		func(_ string, names []string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, meant) })
		},
		func(id string, _ []string) bool { return strings.HasPrefix(id, meant) },
	}
	for _, fit := range fits {
		var found []T
		for _, one := range list {
			if fit(of(one)) {
				found = append(found, one)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			return none, app.Errorf(app.CodeInvalid, op, "%q can mean %d of the %ss.", meant, len(found), op).
				WithHint("Give the whole id.").Typed("Give the whole id; `coditect-sync %s` lists them.", listOf(op))
		}
	}
	return none, app.Errorf(app.CodeNotFound, op, "There is no %s %q.", op, meant).Typed("`coditect-sync %s` lists them.", listOf(op))
}

func listOf(op string) string {
	switch op {
	case "project":
		return "project list"
	case "invitation":
		return "team invitations"
	}
	return "team members"
}

// forAdmins says whom to ask where only an admin may do it.
func forAdmins(err error, t app.Team) error {
	if app.CodeOf(err) != app.CodeDenied {
		return err
	}
	return app.Errorf(app.CodeDenied, "team", "Only an admin of the team may do this.").WithHint("%s", askAdmins(t)).Wrap(err)
}

func askAdmins(t app.Team) string {
	var admins []string
	for _, m := range t.Members {
		if m.Admin {
			admins = append(admins, called(m))
		}
	}
	if len(admins) == 0 {
		return "Ask whoever runs the server."
	}
	return "Ask " + strings.Join(admins, " or ") + "."
}
