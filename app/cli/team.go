package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) teamVerb() *cobra.Command {
	c := p.readingVerb("team", "The teams, and who is in them", func(ctx context.Context) error { return p.teamMembers(ctx, "") })
	var name string
	invite := p.namedVerb("invite TEAM EMAIL", "Bring somebody into a team, also who has no account yet", 2, p.teamNames, func(ctx context.Context, args []string) error {
		return p.teamInvite(ctx, app.InviteRequest{Team: args[0], Email: args[1], Name: name})
	})
	p.word(invite, &name, "name", "the person's `NAME`")
	var admin bool
	join := p.namedVerb("join TEAM [EMAIL]", "Put yourself or somebody else with an account into a team", 1, p.teamNames, func(ctx context.Context, args []string) error {
		return p.setMember(ctx, app.MemberRequest{Team: args[0], Person: second(args), Admin: admin})
	})
	join.Flags().BoolVar(&admin, "admin", false, "who may invite others")
	c.AddCommand(
		p.namedVerb("create NAME", "Make a team, and be its admin", 1, nil, func(ctx context.Context, args []string) error { return p.teamCreate(ctx, args[0]) }),
		invite, join,
		p.namedVerb("invitations [TEAM]", "Who is invited and has not come yet, into the teams that you look after", 0, p.teamNames, func(ctx context.Context, args []string) error {
			return p.teamInvitations(ctx, strings.Join(args, ""))
		}),
		p.namedVerb("withdraw TEAM EMAIL", "Take an invitation back", 2, p.teamNames, func(ctx context.Context, args []string) error {
			return p.teamWithdraw(ctx, app.WithdrawRequest{Team: args[0], Person: args[1]})
		}),
		p.namedVerb("members [TEAM]", "Who is in a team, or in all of them", 0, p.teamNames, func(ctx context.Context, args []string) error {
			return p.teamMembers(ctx, strings.Join(args, ""))
		}),
		p.namedVerb("leave TEAM [EMAIL]", "Leave a team, or take somebody out of it", 1, p.teamNames, func(ctx context.Context, args []string) error {
			return p.setMember(ctx, app.MemberRequest{Team: args[0], Person: second(args), Out: true})
		}),
	)
	return c
}

// second is the second argument, where there is one.
func second(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return args[1]
}

func (p *program) teamCreate(ctx context.Context, name string) error {
	return p.with(ctx, anyhow, func(s *session) error {
		t, err := s.MakeTeam(ctx, name)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(t)
			return nil
		}
		p.out.line(proved.of("%s The team %s is there, and you are its admin.", glyphStep, t.Name))
		p.out.line(quiet.of("`coditect-sync team invite` brings others in."))
		return nil
	})
}

func (p *program) teamInvite(ctx context.Context, req app.InviteRequest) error {
	return p.with(ctx, anyhow, func(s *session) error {
		done, err := s.Invite(ctx, req)
		if err != nil {
			return err
		}
		switch {
		case p.json:
			p.writeJSON(done)
		case done.Joined:
			p.out.line(proved.of("%s %s is in the team.", glyphStep, req.Email))
		case done.Sent:
			p.out.line(proved.of("%s %s is invited: a letter is under way.", glyphStep, req.Email))
		default:
			p.out.line(plain.of("Pass this link on to %s and nobody else: whoever opens it chooses the password.", req.Email))
			p.out.line(strong.of("%s", done.Link))
		}
		return nil
	})
}

func (p *program) teamInvitations(ctx context.Context, name string) error {
	return p.with(ctx, anyhow, func(s *session) error {
		list, err := s.Invitations(ctx)
		if err != nil {
			return err
		}
		teams, err := s.Teams(ctx)
		if err == nil {
			teams, err = onlyTeam(teams, name)
		}
		if err != nil {
			return err
		}
		called := map[string]string{}
		for _, t := range teams {
			called[t.ID] = t.Name
		}
		list = slices.DeleteFunc(list, func(i app.Invitation) bool { _, ok := called[i.Team]; return !ok })
		if p.json {
			p.writeJSON(orEmpty(list))
			return nil
		}
		p.tellInvitations(list, called)
		return nil
	})
}

// tellInvitations lists invitations; called are the names of their teams.
func (p *program) tellInvitations(list []app.Invitation, called map[string]string) {
	if len(list) == 0 {
		p.out.line(plain.of("Nobody is invited who has not come yet."))
		return
	}
	now := p.now()
	t := table{{title: "team"}, {title: "invited"}, {title: "when"}, {title: "by", opt: true}, {title: "good until"}}
	for _, i := range list {
		until := plain.of("%s", age(i.Until, now))
		if !now.Before(i.Until) {
			until = waits.of("expired")
		}
		t.row(strong.of("%s", called[i.Team]), plain.of("%s", i.Email), plain.of("%s", age(i.At, now)), plain.of("%s", i.By), until)
	}
	p.out.table(t)
}

func (p *program) teamWithdraw(ctx context.Context, req app.WithdrawRequest) error {
	return p.with(ctx, anyhow, func(s *session) error {
		if err := s.Withdraw(ctx, req); err != nil {
			return err
		}
		if p.json {
			p.writeJSON(req)
			return nil
		}
		p.out.line(proved.of("%s The invitation of %s is withdrawn.", glyphStep, req.Person))
		return nil
	})
}

func (p *program) setMember(ctx context.Context, req app.MemberRequest) error {
	return p.with(ctx, anyhow, func(s *session) error {
		t, err := s.SetMember(ctx, req)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(t)
			return nil
		}
		who, verb := req.Person, "is in"
		if who == "" {
			who, verb = "You", "are in"
		}
		if req.Out {
			verb = strings.Replace(verb, " in", " no longer in", 1)
		}
		p.out.line(proved.of("%s %s %s %s.", glyphStep, who, verb, t.Name))
		return nil
	})
}

func (p *program) teamMembers(ctx context.Context, name string) error {
	return p.with(ctx, anyhow, func(s *session) error {
		list, err := s.Teams(ctx)
		if err != nil {
			return err
		}
		if list, err = onlyTeam(list, name); err != nil {
			return err
		}
		if p.json {
			p.writeJSON(orEmpty(list))
			return nil
		}
		if len(list) == 0 {
			p.out.line(plain.of("No team yet. `coditect-sync team create NAME` makes one."))
			return nil
		}
		t := table{{title: "team"}, {title: "member"}, {title: "is"}, {title: "id", opt: true}}
		for _, team := range list {
			teamRows(t, team)
		}
		p.out.table(t)
		return nil
	})
}

func teamRows(t table, team app.Team) {
	if len(team.Members) == 0 {
		t.row(strong.of("%s", team.Name), quiet.of("nobody"), plain.of(""), plain.of("%s", team.ID))
	}
	for i, m := range team.Members {
		name, id := plain.of(""), plain.of("")
		if i == 0 {
			name, id = strong.of("%s", team.Name), plain.of("%s", team.ID)
		}
		who := plain.of("%s", m.Email)
		if m.Email == "" {
			who = quiet.of("%s", m.User)
		}
		if m.This {
			who.text += " (you)"
		}
		is := "member"
		if m.Admin {
			is = "admin"
		}
		t.row(name, who, plain.of("%s", is), id)
	}
}

// onlyTeam keeps the teams of a name, or the one of an id or its beginning; all of them without one.
func onlyTeam(list []app.Team, meant string) (out []app.Team, err error) {
	for _, t := range list {
		if meant == "" || strings.EqualFold(t.Name, meant) || strings.HasPrefix(t.ID, meant) {
			out = append(out, t)
		}
	}
	if meant != "" && len(out) == 0 {
		err = app.Errorf(app.CodeNotFound, "team", "There is no team %q.", meant).WithHint("`coditect-sync team members` lists them.")
	}
	return out, err
}

// teamNames suggests values of --team.
func (p *program) teamNames(ctx context.Context, s *session, _ string) (out []cobra.Completion, err error) {
	list, err := s.Teams(ctx)
	for _, t := range list {
		out = append(out, cobra.CompletionWithDesc(clean(t.Name), clean(t.ID)))
	}
	return out, err
}
