package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

const retentionLong = `Show or change for how long the history is kept.

  coditect-sync retention                              what is kept now
  coditect-sync retention short                        or default, long, everything
  coditect-sync retention every hour for 90 days       one promise; the others stay
  coditect-sync retention "every copy for 2 days, every hour for a year"

The steps are every copy, every 30 seconds, every 5 minutes and every hour. Where a change lets moments go, it says how many
before it asks. The newest moment and what an undo needs always stay.`

func (p *program) retentionVerb() *cobra.Command {
	var yes bool
	c := p.readingVerb("retention [short|default|long|everything|PROMISE...]", "Show or change for how long the history is kept", nil)
	c.Long = retentionLong
	c.Args = cobra.ArbitraryArgs
	c.ValidArgs, c.ValidArgsFunction = app.RetentionNames(), nil
	c.Flags().BoolVar(&yes, "yes", false, "do not ask where moments go")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return ran(p.showRetention(c.Context()))
		}
		return ran(p.setRetention(c.Context(), strings.Join(args, " "), yes))
	}
	return c
}

// retentionJSON is the answer of retention --json.
type retentionJSON struct {
	Wish    string   `json:"wish"`
	Kept    []string `json:"kept"`
	Changed bool     `json:"changed"`
	// Gone and Bytes are what a change let go.
	Gone  int   `json:"gone"`
	Bytes int64 `json:"bytes"`
	// MonthlyCost and MonthlyCostThen are before and after a change; nil where nothing is known of them.
	MonthlyCost     *app.Cost `json:"monthly_cost,omitempty"`
	MonthlyCostThen *app.Cost `json:"monthly_cost_then,omitempty"`
}

func (p *program) showRetention(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		settings, err := s.Settings(ctx)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(retentionJSON{Wish: settings.RetentionWish, Kept: orEmpty(settings.Retention)})
			return nil
		}
		p.tellKept(settings)
		return nil
	})
}

func (p *program) tellKept(s app.Settings) {
	p.out.line(strong.of("%s.", promised(s.Retention)))
	if name := retentionName(s.RetentionWish); name != "" {
		p.out.line(quiet.of("That is “%s”.", name))
	}
}

// retentionName is the name of a wish, empty where it has none.
func retentionName(wish string) string {
	if strings.HasPrefix(wish, "every ") {
		return ""
	}
	return wish
}

func (p *program) setRetention(ctx context.Context, wish string, yes bool) error {
	if _, err := app.ParseRetention(wish, app.Retention{}); err != nil && len(strings.Fields(wish)) == 1 {
		return err // no promise, whatever is kept now
	}
	return p.with(ctx, anyhow, func(s *session) error {
		plan, err := s.PlanRetention(ctx, wish)
		if err != nil {
			return err
		}
		if (yes || plan.Gone == 0) && !p.json {
			p.tellCost(p.out, plan)
		}
		if plan.Gone > 0 && !yes {
			if err := p.agreedToGo(ctx, plan); err != nil {
				return err
			}
		}
		settings, err := s.EditSettings(ctx, app.SettingsEdit{Retention: &wish})
		if err != nil {
			return err
		}
		p.tellRetention(plan, settings)
		return nil
	})
}

func (p *program) agreedToGo(ctx context.Context, plan app.RetentionPlan) error {
	gone := whatGoes(plan)
	if !p.canAsk() {
		p.tellCost(p.err, plan)
		return needsYes("retention", gone)
	}
	p.err.line(plain.of("%s", gone))
	p.tellCost(p.err, plan)
	if plan.OldestThen.After(plan.Oldest) {
		p.err.line(plain.of("You could go back as far as %s, now it is %s.", moment(plan.OldestThen, p.now()), moment(plan.Oldest, p.now())))
	}
	return p.confirm(ctx, "retention", "Let them go for good?")
}

// tellCost says what the change does to the bill, and where there is none, to what is kept.
func (p *program) tellCost(s *screen, plan app.RetentionPlan) {
	now, then := plan.MonthlyCost, plan.MonthlyCostThen
	switch {
	case now != nil && then != nil && then.Prices != "":
		s.line(plain.of("It costs %s", now.InWords()))
		s.line(plain.of("It comes to %s", then.InWords()))
	case plan.Stored > 0:
		s.line(plain.of("It keeps %s there. It comes to %s.", amount(plan.Stored), amount(plan.StoredThen)))
	}
}

// whatGoes is how much a change lets go.
func whatGoes(plan app.RetentionPlan) string {
	return grouped(int64(plan.Gone)) + " of " + count(int64(plan.Moments), "moment") + " would go, " + amount(plan.Bytes) + "."
}

func (p *program) tellRetention(plan app.RetentionPlan, s app.Settings) {
	changed := strings.Join(plan.Now, ",") != strings.Join(plan.Then, ",")
	if p.json {
		p.writeJSON(retentionJSON{Wish: s.RetentionWish, Kept: orEmpty(s.Retention), Changed: changed, Gone: plan.Gone, Bytes: plan.Bytes, MonthlyCost: plan.MonthlyCost, MonthlyCostThen: plan.MonthlyCostThen})
		return
	}
	p.tellKept(s)
	if plan.Gone > 0 {
		p.out.line(plain.of("%s of %s, %s, with the next copy.", "What is no longer kept goes: "+grouped(int64(plan.Gone)), count(int64(plan.Moments), "moment"), amount(plan.Bytes)))
	}
}

// promised joins promises to a sentence without its full stop.
func promised(promises []string) string { return strings.Join(promises, ", ") }
