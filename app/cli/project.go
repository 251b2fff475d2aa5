package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) projectVerb() *cobra.Command {
	c := p.readingVerb("project", "The projects, and who sees them", p.projectList)
	c.AddCommand(
		p.readingVerb("list", "List the projects, who sees them, and whether you may write", p.projectList),
		p.shareVerb(),
		p.namedVerb("who PROJECT", "Who can see a project, and on which machines", 1, p.projects, func(ctx context.Context, args []string) error { return p.projectWho(ctx, args[0]) }),
	)
	return c
}

// namedVerb is a reading verb with one argument or more; the first is completed by suggest, and those after the first least ones
// may be left out.
func (p *program) namedVerb(use, short string, least int, suggest suggestion, do func(ctx context.Context, args []string) error) *cobra.Command {
	c := p.readingVerb(use, short, nil)
	most := len(strings.Fields(use)) - 1
	c.Args = func(c *cobra.Command, args []string) error {
		wrong := len(args) < least || len(args) > most
		for _, a := range args {
			wrong = wrong || a == ""
		}
		if wrong {
			return app.Errorf(app.CodeInvalid, c.Name(), "It is called like this: %s.", c.UseLine()).
				WithHint("See `%s --help`.", c.CommandPath())
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error { return ran(do(c.Context(), args)) }
	if suggest != nil {
		c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return p.suggest(c, "", suggest)
		}
	}
	return c
}

func (p *program) shareVerb() *cobra.Command {
	var private, org, readOnly bool
	var team string
	c := p.namedVerb("share PROJECT", "Say who sees a project: its owner, a team, or everybody of the organisation", 1, p.projects,
		func(ctx context.Context, args []string) error {
			req := app.ShareRequest{Project: args[0], Team: team, ReadOnly: readOnly}
			n := 0
			for to, wanted := range map[app.Visibility]bool{app.VisiblePrivate: private, app.VisibleTeam: team != "", app.VisibleOrg: org} {
				if wanted {
					req.Visibility = to
					n++
				}
			}
			if n != 1 || private && readOnly {
				return app.Errorf(app.CodeInvalid, "share", "Who is to see the project is not clear.").
					WithHint("Add one of --private, --team NAME and --org; --read-only goes with the last two.")
			}
			return p.projectShare(ctx, req)
		})
	c.Flags().BoolVar(&private, "private", false, "only you")
	p.word(c, &team, "team", "a team: its `NAME` or id")
	c.Flags().BoolVar(&org, "org", false, "everybody of the organisation")
	c.Flags().BoolVar(&readOnly, "read-only", false, "the others read and do not write")
	p.completes(c, "team", p.teamNames)
	return c
}

func (p *program) projectList(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		list, err := s.Projects(ctx)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(orEmpty(list))
			return nil
		}
		if len(list) == 0 {
			p.out.line(plain.of("None yet. Projects appear as your tools write them into the file."))
			return nil
		}
		t := table{{title: "project"}, {title: "who sees it"}, {title: "you"}, {title: "rows", right: true}, {title: "owner", opt: true}, {title: "id"}}
		for _, one := range list {
			name := strong.of("%s", one.Name)
			if one.Name == "" {
				name = quiet.of("without a name")
			}
			t.row(name, plain.of("%s", seenBy(one)), plain.of("%s", mayDo(one.CanWrite)), plain.of("%s", grouped(one.Rows)),
				plain.of("%s", one.OwnerName), plain.of("%s", one.ID))
		}
		p.out.table(t)
		return nil
	})
}

// seenBy is who sees a project, in words.
func seenBy(one app.Project) string {
	who := "only you"
	switch {
	case one.Visibility == app.VisibleOrg:
		who = "everybody"
	case one.Visibility == app.VisibleTeam && one.TeamName != "":
		who = "team " + one.TeamName
	case one.Visibility == app.VisibleTeam:
		who = "team " + one.Team
	case !one.Mine:
		who = "only its owner"
	}
	if one.Visibility != app.VisiblePrivate && one.MembersWrite != nil && !*one.MembersWrite {
		who += ", read only"
	}
	return who
}

// mayDo is what somebody may do in a project.
func mayDo(write *bool) string {
	switch {
	case write == nil:
		return "not known"
	case *write:
		return "write"
	}
	return "read"
}

func (p *program) projectShare(ctx context.Context, req app.ShareRequest) error {
	return p.with(ctx, anyhow, func(s *session) error {
		one, err := s.ShareProject(ctx, req)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(one)
			return nil
		}
		name := one.Name
		if name == "" {
			name = one.ID
		}
		p.out.line(proved.of("%s %s: %s.", glyphStep, name, seenBy(one)))
		p.out.line(quiet.of("It takes effect for the others when the change is in the cloud."))
		return nil
	})
}

func (p *program) projectWho(ctx context.Context, id string) error {
	return p.with(ctx, anyhow, func(s *session) error {
		list, err := s.ProjectReaders(ctx, id)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(orEmpty(list))
			return nil
		}
		t := table{{title: "person"}, {title: "may"}, {title: "machines"}, {title: "name", opt: true}, {title: "id", opt: true}}
		for _, r := range list {
			may := mayDo(&r.CanWrite)
			if r.Owner {
				may += ", owner"
			}
			t.row(strong.of("%s", r.Email), plain.of("%s", may), plain.of("%s", onMachines(r)), plain.of("%s", r.Name), plain.of("%s", r.User))
		}
		p.out.table(t)
		return nil
	})
}

// onMachines are the machines of somebody who sees a project.
func onMachines(r app.Reader) string {
	switch {
	case r.Machines == nil:
		return "not known" // to an older server
	case len(r.Machines) == 0:
		return "none"
	default:
		return strings.Join(r.Machines, ", ")
	}
}

func (p *program) projects(ctx context.Context, s *session, _ string) (out []cobra.Completion, err error) {
	list, err := s.Projects(ctx)
	for _, one := range list {
		out = append(out, cobra.CompletionWithDesc(clean(one.ID), clean(one.Name)))
	}
	return out, err
}
