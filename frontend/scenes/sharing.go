package scenes

import (
	"fmt"

	"github.com/coditect-ai/coditect-sync/app"
)

// Ids of the scenes' projects, people and teams.
const (
	mira, jonas, priya = "u-mira", "u-jonas", "u-priya"
	platform, docs     = "t-platform", "t-docs"
	billing, infra     = "0193c0de-0001", "0193c0de-0002"
	thesis, roadmap    = "0193c0de-0003", "0193c0de-0004"
)

// projects are those of the account: shared with a team, with everybody, with nobody, and somebody else's.
func projects() []app.Project {
	return []app.Project{
		{ID: billing, Name: "billing-service", Mine: true, Owner: mira, OwnerName: Account, Visibility: app.VisibleTeam, Team: platform, TeamName: "Platform", Rows: 41_207, CanWrite: new(true), MembersWrite: new(true)},
		{ID: infra, Name: "infra-docs", Mine: true, Owner: mira, OwnerName: Account, Visibility: app.VisibleOrg, Rows: 9_876, CanWrite: new(true), MembersWrite: new(false)},
		{ID: roadmap, Name: "roadmap", Owner: jonas, OwnerName: "jonas@lumen.works", Visibility: app.VisibleTeam, Team: platform, TeamName: "Platform", Rows: 312, CanWrite: new(false), MembersWrite: new(false)},
		{ID: thesis, Name: "thesis", Mine: true, Owner: mira, OwnerName: Account, Visibility: app.VisiblePrivate, Rows: 12_044, CanWrite: new(true), MembersWrite: new(true)},
	}
}

// People are everybody of the organisation, as the server tells of those who see a project.
func People() []app.Reader {
	return []app.Reader{
		{User: mira, Email: Account, Name: "Mira Sandoval", This: true, Machines: []string{"studio", "macbook-air", "win-build"}},
		{User: jonas, Email: "jonas@lumen.works", Name: "Jonas Weber", Machines: []string{"jonas-thinkpad"}},
		{User: priya, Email: "priya@lumen.works", Name: "Priya Raman", Machines: []string{"priya-mbp"}},
	}
}

// seen are people as they see a project: the owner, who is first, writes, and so do the others where they may.
func seen(owner string, write bool, who ...string) (list []app.Reader) {
	for _, id := range append([]string{owner}, who...) {
		for _, p := range People() {
			if p.User == id {
				p.Owner, p.CanWrite = id == owner, id == owner || write
				list = append(list, p)
			}
		}
	}
	return list
}

func readers() map[string][]app.Reader {
	return map[string][]app.Reader{
		billing: seen(mira, true, jonas, priya), infra: seen(mira, false, jonas, priya), thesis: seen(mira, true), roadmap: seen(jonas, false, mira, priya),
	}
}

func teams() []app.Team {
	member := func(id, name, email string, admin bool) app.Member {
		return app.Member{User: id, Name: name, Email: email, Admin: admin, This: id == mira}
	}
	me := func(admin bool) app.Member { return member(mira, "Mira Sandoval", Account, admin) }
	return []app.Team{
		{ID: docs, Name: "Docs", Members: []app.Member{member(priya, "Priya Raman", "priya@lumen.works", true), me(false)}},
		{ID: platform, Name: "Platform", Members: []app.Member{
			me(true), member(jonas, "Jonas Weber", "jonas@lumen.works", false), member(priya, "Priya Raman", "priya@lumen.works", false),
		}},
	}
}

// alone is an account of one person, without a project and without a team.
func alone() Scene {
	s := account("cloud-alone")
	s.Fleet = s.Fleet[:1]
	s.Projects, s.Readers, s.Teams = nil, nil, nil
	return s
}

// hostileInvitations are of people whose every name is an attack, into the teams of hostileSharing.
func hostileInvitations() (list []app.Invitation) {
	for _, a := range Attacks {
		list = append(list, app.Invitation{Team: a, User: "x" + a, Email: a, Name: a, By: a, At: Now.AddDate(0, 0, -9), Until: Now.AddDate(0, 0, -2)})
	}
	return list
}

// hostileSharing are projects, people and teams whose every name is an attack.
func hostileSharing() (list []app.Project, seenBy map[string][]app.Reader, teams []app.Team) {
	seenBy = map[string][]app.Reader{}
	for i, a := range Attacks {
		id, to := fmt.Sprintf("p-%02d", i), []app.Visibility{app.VisibleTeam, app.VisibleOrg, app.VisiblePrivate}[i%3]
		list = append(list, app.Project{
			ID: id, Name: a, Path: a, Mine: i%2 == 0, Owner: a, OwnerName: a, Visibility: to, Team: a, TeamName: a, Rows: int64(i), CanWrite: new(true),
		})
		seenBy[id] = []app.Reader{{User: a, Email: a, Name: a, Owner: true, CanWrite: true, Machines: []string{a, a}}}
		teams = append(teams, app.Team{ID: a, Name: a, Members: []app.Member{
			{User: a, Email: a, Name: a, This: true, Admin: true}, {User: "x" + a, Email: a, Name: a},
		}})
	}
	return list, seenBy, teams
}
