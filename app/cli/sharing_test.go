package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// sharing is a fake agent with projects and teams. What it is asked for is in asked.
func sharing(asked *[]any) *apptest.FakeService {
	f := serving(synced())
	f.ProjectsFunc = func(context.Context) ([]app.Project, error) {
		return []app.Project{
			{ID: "0192-plans", Name: "Plans", Owner: "u-1", OwnerName: "mira@example.com", Mine: true, Visibility: app.VisibleTeam, Team: "t-1", TeamName: "Core",
				Rows: 12345, CanWrite: new(true), MembersWrite: new(false)},
			{ID: "0193-theirs", Name: hostileText, Owner: "u-2", OwnerName: "jo@example.com", Visibility: app.VisibleOrg, Rows: 3, CanWrite: new(false), MembersWrite: new(false)},
			{ID: "0194-away", Owner: "u-3", Visibility: app.VisibleTeam, Team: "t-9"},
			{ID: "0195-own", Name: "Own", Mine: true, Visibility: app.VisiblePrivate, CanWrite: new(true)},
		}, nil
	}
	f.ShareProjectFunc = func(_ context.Context, r app.ShareRequest) (app.Project, error) {
		*asked = append(*asked, r)
		return app.Project{ID: "0192-plans", Name: "Plans", Mine: true, Visibility: r.Visibility, Team: "t-1", TeamName: "Core", MembersWrite: new(!r.ReadOnly)}, nil
	}
	f.ProjectReadersFunc = func(_ context.Context, id string) ([]app.Reader, error) {
		*asked = append(*asked, id)
		return []app.Reader{{User: "u-1", Email: "mira@example.com", Name: "Mira", Owner: true, CanWrite: true, This: true, Machines: []string{"studio", hostileText}},
			{User: "u-2", Email: "jo@example.com", Machines: []string{}}, {User: "u-3", Email: "cy@example.com"}}, nil
	}
	core := app.Team{ID: "t-1", Name: "Core", Members: []app.Member{
		{User: "u-1", Email: "mira@example.com", Admin: true, This: true}, {User: "u-2", Email: "jo@example.com"}, {User: "u-9"}}}
	f.TeamsFunc = func(context.Context) ([]app.Team, error) {
		return []app.Team{core, {ID: "t-2", Name: "Empty", Members: []app.Member{}}}, nil
	}
	f.MakeTeamFunc = func(_ context.Context, name string) (app.Team, error) {
		*asked = append(*asked, name)
		return app.Team{ID: "t-3", Name: name}, nil
	}
	f.InviteFunc = func(_ context.Context, r app.InviteRequest) (app.Invited, error) {
		*asked = append(*asked, r)
		return map[string]app.Invited{"in@x": {Joined: true}, "letter@x": {Sent: true}, "link@x": {Link: "https://sync.example.com/id/letter/abc"}}[r.Email], nil
	}
	at := time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)
	f.InvitationsFunc = func(context.Context) ([]app.Invitation, error) {
		return []app.Invitation{
			{Team: core.ID, User: "u-9", Email: "old@x", By: "Jo", At: at.AddDate(0, 0, -9), Until: at.AddDate(0, 0, -2)},
			{Team: core.ID, User: "u-8", Email: "new@x", Name: "New", By: "Jo", At: at, Until: at.AddDate(0, 0, 7)},
		}, nil
	}
	f.WithdrawFunc = func(_ context.Context, r app.WithdrawRequest) error {
		*asked = append(*asked, r)
		return nil
	}
	f.SetMemberFunc = func(_ context.Context, r app.MemberRequest) (app.Team, error) {
		*asked = append(*asked, r)
		return core, nil
	}
	return f
}

func TestSharingGoldens(t *testing.T) {
	for name, args := range map[string][]string{
		"project-list": {"project", "list"}, "project-list-json": {"project", "--json"}, "project-who": {"project", "who", "plans"},
		"team-members": {"team", "members"}, "team-invitations": {"team", "invitations"}, "team-invitations-json": {"team", "invitations", "core", "--json"},
		"team-members-json": {"team", "members", "empty", "--json"},
	} {
		for kind, term := range map[string]terminal{"pipe": {}, "color": {width: 80, color: true}} {
			t.Run(name+"-"+kind, func(t *testing.T) {
				got := call(t, sharing(new([]any)), term, args...)
				if got.status != 0 {
					t.Fatalf("%+v", got)
				}
				golden(t, name+"-"+kind+".txt", got.out)
				if kind != "color" && harmful(got.out) {
					t.Errorf("%q", got.out)
				}
			})
		}
	}
}

func TestSharingAsks(t *testing.T) {
	for _, c := range []struct {
		args string
		want any // what the agent is asked for; nil: nothing, with exit 2
		says string
	}{
		{"project share plans --private", app.ShareRequest{Project: "plans", Visibility: app.VisiblePrivate}, "Plans: only you."},
		{"project share plans --team core --read-only", app.ShareRequest{Project: "plans", Visibility: app.VisibleTeam, Team: "core", ReadOnly: true}, "Plans: team Core, read only."},
		{"project share plans --org --json", app.ShareRequest{Project: "plans", Visibility: app.VisibleOrg}, `"visibility": "org"`},
		{"project share plans", nil, "Add one of --private"},
		{"project share plans --org --private", nil, "Add one of --private"},
		{"project share plans --private --read-only", nil, "--read-only goes with the last two"},
		{"project share --org", nil, "coditect-sync project share PROJECT"},
		{"project who", nil, "coditect-sync project who PROJECT"},
		{"project who a b", nil, "coditect-sync project who PROJECT"},
		{"team create Core", "Core", "The team Core is there"},
		{"team create", nil, "coditect-sync team create NAME"},
		{"team invite core in@x", app.InviteRequest{Team: "core", Email: "in@x"}, "in@x is in the team."},
		{"team invite core letter@x --name Jo", app.InviteRequest{Team: "core", Email: "letter@x", Name: "Jo"}, "a letter is under way"},
		{"team invite core link@x", app.InviteRequest{Team: "core", Email: "link@x"}, "https://sync.example.com/id/letter/abc"},
		{"team invite core", nil, "coditect-sync team invite TEAM EMAIL"},
		{"team withdraw core new@x", app.WithdrawRequest{Team: "core", Person: "new@x"}, "The invitation of new@x is withdrawn."},
		{"team withdraw core", nil, "coditect-sync team withdraw TEAM EMAIL"},
		{"team join core", app.MemberRequest{Team: "core"}, "You are in Core."},
		{"team join core jo@x --admin", app.MemberRequest{Team: "core", Person: "jo@x", Admin: true}, "jo@x is in Core."},
		{"team leave core", app.MemberRequest{Team: "core", Out: true}, "You are no longer in Core."},
		{"team leave core jo@x", app.MemberRequest{Team: "core", Person: "jo@x", Out: true}, "jo@x is no longer in Core."},
		{"team leave", nil, "coditect-sync team leave TEAM [EMAIL]"},
	} {
		var asked []any
		got := call(t, sharing(&asked), terminal{}, strings.Fields(c.args)...)
		if c.want == nil && (got.status != 2 || len(asked) != 0) || c.want != nil && (got.status != 0 || len(asked) != 1 || asked[0] != c.want) {
			t.Errorf("%s: %+v, asked for %+v", c.args, got, asked)
		}
		contains(t, strings.ReplaceAll(got.out+got.err, nbsp, " "), c.says)
	}
}

func TestSharingNeedsAnAccountAndWhatIsNamed(t *testing.T) {
	for _, args := range []string{"team", "team create x", "team invite x y@z", "team join x", "team leave x", "project share x --org", "project who x"} {
		got := call(t, serving(protected()), terminal{}, strings.Fields(args)...)
		if got.status != 4 || !strings.Contains(got.err, "not signed in") {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := call(t, serving(protected()), terminal{}, "project"); got.status != 0 || !strings.HasPrefix(got.out, "None yet.") {
		t.Errorf("%+v", got)
	}
	if got := call(t, sharing(new([]any)), terminal{}, "team", "members", "none"); got.status != 1 {
		t.Errorf("%+v", got)
	}
}

func TestSharingIsCompleted(t *testing.T) {
	for args, want := range map[string]string{
		"project share ": "0192-plans\tPlans", "project who ": "0192-plans\tPlans", "project share x --team ": "Core\tt-1",
		"team leave ": "Core\tt-1", "team invite ": "Empty\tt-2", "team members ": "Core\tt-1",
	} {
		got := call(t, sharing(new([]any)), terminal{}, append([]string{"__complete"}, strings.Split(args, " ")...)...)
		contains(t, got.out, want)
		if harmful(strings.ReplaceAll(got.out, "\t", " ")) {
			t.Errorf("%s: %q", args, got.out)
		}
	}
	if got := call(t, sharing(new([]any)), terminal{}, "__complete", "team", "invite", "core", ""); strings.Contains(got.out, "Core") {
		t.Errorf("a team for an address: %q", got.out)
	}
}
