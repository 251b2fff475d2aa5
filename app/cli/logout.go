package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) logoutVerb() *cobra.Command {
	var req app.LogoutRequest
	yes := false
	c := p.readingVerb("logout", "Sign out", func(ctx context.Context) error { return p.logout(ctx, req, yes) })
	c.Long = "Sign this machine out. What is on this machine only is let go up first; if that does not work, it says so and asks.\n" +
		"The rows stay in the file, unless --wipe removes them; they stay in the cloud in any case."
	c.Flags().BoolVar(&req.Wipe, "wipe", false, "remove the account's rows from this machine")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (p *program) logout(ctx context.Context, req app.LogoutRequest, yes bool) error {
	if req.Wipe && !yes && !p.canAsk() {
		return needsYes("logout", "Wiping removes the account's rows from this machine.")
	}
	return p.with(ctx, anyhow, func(s *session) error {
		if req.Wipe && !yes {
			if err := p.confirm(ctx, "logout", "The account's rows are removed from this machine; programs that have the file open see that at once."); err != nil {
				return err
			}
		}
		res, err := s.Logout(ctx, req)
		if e := app.AsError("logout", err); e != nil && e.Code == app.CodeRefused && !req.Wipe {
			if err := p.mayLose(ctx, e, yes); err != nil {
				return err
			}
			req.Force = true
			res, err = s.Logout(ctx, req)
		}
		if err != nil {
			return err
		}
		if p.json {
			res.Steps = orEmpty(res.Steps)
			p.writeJSON(res)
			return nil
		}
		for _, step := range res.Steps {
			p.out.line(plain.of("%s", step))
		}
		return nil
	})
}

// mayLose asks whether to sign out although changes are on this machine only. It is not asked before they are wiped: that
// needs them in the cloud.
func (p *program) mayLose(ctx context.Context, refused *app.Error, yes bool) error {
	if yes {
		return nil
	}
	if !p.canAsk() {
		return needsYes("logout", refused.Message)
	}
	return p.confirm(ctx, "logout", refused.Message+" They stay in the file. Sign out all the same?")
}
