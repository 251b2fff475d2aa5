package agent_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
)

// office is what a door's server knows of people. Whoever asks is u-1.
type office struct {
	mu     sync.Mutex
	teams  []app.Team
	access map[string]app.Project
	said   []string // what it was told
	refuse error
}

var staff = []app.Member{{User: "u-1", Email: "mira@example.com", This: true}, {User: "u-2", Email: "jo@example.com", Name: "Jo"}}

func (o *office) tell(format string, args ...any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = append(o.said, fmt.Sprintf(format, args...))
	return o.refuse
}

// told is what it was told since the last call.
func (o *office) told() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	said := strings.Join(o.said, "; ")
	o.said = nil
	return said
}

func (o *office) Teams(context.Context) ([]app.Team, error)       { return o.teams, nil }
func (o *office) Everybody(context.Context) ([]app.Member, error) { return staff, nil }
func (o *office) MakeTeam(_ context.Context, n string) (string, error) {
	o.teams = append(o.teams, app.Team{ID: "t-new", Name: n})
	return "t-new", o.tell("make %s", n)
}
func (o *office) Invite(_ context.Context, r app.InviteRequest) (app.Invited, error) {
	return app.Invited{Joined: true}, o.tell("invite %s into %s", r.Email, r.Team)
}
func (o *office) Invitations(context.Context) ([]app.Invitation, error) {
	return []app.Invitation{{Team: "t-other", User: "u-8", Email: "y@example.com"}, {Team: "t-core", User: "u-9", Email: "x@example.com"}}, nil
}
func (o *office) Withdraw(_ context.Context, team, user string) error {
	return o.tell("withdraw %s from %s", user, team)
}
func (o *office) SetMember(_ context.Context, r app.MemberRequest) error {
	return o.tell("member %s of %s, admin %v, out %v", r.Person, r.Team, r.Admin, r.Out)
}
func (o *office) Access(context.Context) (map[string]app.Project, error) { return o.access, nil }
func (o *office) Readers(_ context.Context, p string) ([]app.Reader, error) {
	return []app.Reader{{User: "u-1", Owner: true}}, o.tell("readers of %s", p)
}
func (o *office) SetMembersWrite(_ context.Context, p string, may bool) error {
	return o.tell("members write into %s: %v", p, may)
}

// sharing is an agent of somebody who is signed in, with three projects and two teams, and what was written into the file.
func sharing(t *testing.T) (a *agent.Agent, d *door, written func() string) {
	h, d := doored(t)
	var shares office
	h.file.OnProjects = func() []app.Project {
		return []app.Project{
			{ID: "0192-aa", Name: "Plans", Visibility: app.VisiblePrivate}, {ID: "0192-ab", Name: "Plans", Owner: "u-1", Visibility: app.VisiblePrivate},
			{ID: "0193", Name: "Theirs", Owner: "u-2", Visibility: app.VisibleTeam, Team: "t-core"},
		}
	}
	h.file.OnShare = func(id string, to app.Visibility, team string) { _ = shares.tell("%s %s %s", id, to, team) }
	d.teams = []app.Team{
		{ID: "t-core", Name: "Core", Members: []app.Member{{User: "u-1", This: true}, {User: "u-2", Email: "jo@example.com", Admin: true}}},
		{ID: "t-else", Name: "Elsewhere", Members: []app.Member{{User: "u-2", Email: "jo@example.com", Admin: true}}},
	}
	d.access = map[string]app.Project{"0193": {CanWrite: new(false), MembersWrite: new(false)}}
	d.who.set(true)
	a = h.start()
	h.setup(a)
	return a, d, shares.told
}

func TestProjectsTellWhoMayWrite(t *testing.T) {
	a, d, _ := sharing(t)
	list, err := a.Projects(t.Context())
	if err != nil || len(list) != 3 || !list[0].Mine || !*list[1].CanWrite || list[1].OwnerName != "mira@example.com" {
		t.Fatalf("%+v, %v", list, err)
	}
	if p := list[2]; p.Mine || *p.CanWrite || *p.MembersWrite || p.TeamName != "Core" || p.OwnerName != "jo@example.com" {
		t.Errorf("%+v", p)
	}
	d.who.set(false) // what only the server knows is not said
	if list, err = a.Projects(t.Context()); err != nil || len(list) != 3 || list[2].CanWrite != nil || list[2].TeamName != "" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestSharingAProject(t *testing.T) {
	a, d, written := sharing(t)
	missing := app.Errorf(app.CodeNotFound, "team", "Not here.")
	for name, c := range map[string]struct {
		project, team string
		to            app.Visibility
		readOnly      bool
		refuse        error
		want          app.Code // "" is done
		file, server  string
	}{
		"a team":                  {"0192-aa", "core", app.VisibleTeam, false, nil, "", "0192-aa team t-core", "members write into 0192-aa: true"},
		"read only":               {"0192-ab", "t-co", app.VisibleTeam, true, nil, "", "0192-ab team t-core", "members write into 0192-ab: false"},
		"everybody":               {"0192-aa", "", app.VisibleOrg, false, nil, "", "0192-aa org ", "members write into 0192-aa: true"},
		"nobody":                  {"0192-aa", "", app.VisiblePrivate, false, missing, "", "0192-aa private ", ""},
		"one that is new there":   {"0192-aa", "", app.VisibleOrg, false, missing, "", "0192-aa org ", "members write into 0192-aa: true"},
		"new there and read only": {"0192-aa", "", app.VisibleOrg, true, missing, app.CodeNotFound, "", "members write into 0192-aa: false"},
		"offline": {"0192-aa", "", app.VisibleOrg, false, app.Errorf(app.CodeUnreachable, "team", "Away."), app.CodeUnreachable, "",
			"members write into 0192-aa: true"},
		"somebody else's":       {"theirs", "", app.VisibleOrg, false, nil, app.CodeDenied, "", ""},
		"a name that two have":  {"plans", "", app.VisibleOrg, false, nil, app.CodeInvalid, "", ""},
		"a beginning of two":    {"0192", "", app.VisibleOrg, false, nil, app.CodeInvalid, "", ""},
		"no such project":       {"none", "", app.VisibleOrg, false, nil, app.CodeNotFound, "", ""},
		"no such team":          {"0192-aa", "none", app.VisibleTeam, false, nil, app.CodeNotFound, "", ""},
		"a team of others":      {"0192-aa", "elsewhere", app.VisibleTeam, false, nil, app.CodeDenied, "", ""},
		"with whom is not said": {"0192-aa", "", "", false, nil, app.CodeInvalid, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d.refuse = c.refuse
			p, err := a.ShareProject(t.Context(), app.ShareRequest{Project: c.project, Visibility: c.to, Team: c.team, ReadOnly: c.readOnly})
			if app.CodeOf(err) != c.want || err != nil && c.want != app.CodeUnreachable && app.AsError("", err).InShell() == "" || err == nil && p.Visibility != c.to {
				t.Errorf("%+v, %v", p, err)
			}
			if file, server := written(), d.told(); file != c.file || server != c.server {
				t.Errorf("written %q, told %q", file, server)
			}
		})
	}
}

func TestReadersAreOfOneProject(t *testing.T) {
	a, d, _ := sharing(t)
	if list, err := a.ProjectReaders(t.Context(), "theirs"); err != nil || len(list) != 1 || !list[0].This || d.told() != "readers of 0193" {
		t.Errorf("%+v, %v", list, err)
	}
	d.refuse = app.Errorf(app.CodeNotFound, "team", "Not here.")
	if _, err := a.ProjectReaders(t.Context(), "0193"); app.CodeOf(err) != app.CodeNotFound || !strings.Contains(err.Error(), "does not have this project yet") {
		t.Error(err)
	}
}

func TestTeamsAreMeantByName(t *testing.T) {
	a, d, _ := sharing(t)
	if team, err := a.MakeTeam(t.Context(), "New"); err != nil || team.ID != "t-new" {
		t.Fatalf("%+v, %v", team, err)
	}
	if done, err := a.Invite(t.Context(), app.InviteRequest{Team: "CORE", Email: "x@example.com"}); err != nil || !done.Joined {
		t.Fatal(done, err)
	}
	if err := a.Withdraw(t.Context(), app.WithdrawRequest{Team: "core", Person: "X@example.com"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Withdraw(t.Context(), app.WithdrawRequest{Team: "core", Person: "y@example.com"}); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("of another team: %v", err)
	}
	for _, r := range []app.MemberRequest{
		{Team: "core", Person: "jo@example.com", Out: true}, {Team: "core", Out: true}, {Team: "elsewhere", Out: true}, // not in it
		{Team: "core"}, {Team: "core", Admin: true}, // a member already
		{Team: "core", Person: "jo@example.com"}, // an admin already, who stays one
	} {
		if _, err := a.SetMember(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	want := "make New; invite x@example.com into t-core; withdraw u-9 from t-core; member u-2 of t-core, admin false, out true; member u-1 of t-core, admin false, out true; " +
		"member u-1 of t-core, admin true, out false"
	if told := d.told(); told != want {
		t.Errorf("told %s", told)
	}
	if _, err := a.SetMember(t.Context(), app.MemberRequest{Team: "core", Person: "nobody"}); app.CodeOf(err) != app.CodeNotFound {
		t.Error(err)
	}
	d.refuse = app.Errorf(app.CodeDenied, "team", "No.")
	_, err := a.SetMember(t.Context(), app.MemberRequest{Team: "elsewhere"})
	if app.CodeOf(err) != app.CodeDenied || app.AsError("", err).Hint != "Ask jo@example.com." {
		t.Error(err)
	}
}
