package agent

import (
	"context"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// retention is what thinning goes by. Called by the engine's goroutines.
func (a *Agent) retention() (r app.Retention) {
	a.tell(func() { r = a.core.prefs.Kept() })
	return r.OrDefault()
}

// promises says in words what a retention keeps at a target, the default one where none is set up.
func (a *Agent) promises(target string, r app.Retention) []string {
	if a.cfg.Retention == nil {
		return nil
	}
	if target == "" {
		target = a.cfg.Layout.DefaultTarget
	}
	return a.cfg.Retention(target, r)
}

// PlanRetention implements app.Outfitter.
func (a *Agent) PlanRetention(ctx context.Context, wish string) (plan app.RetentionPlan, err error) {
	p, err := a.prefs(ctx)
	if err != nil {
		return plan, err
	}
	then := p.Kept()
	if wish != "" {
		if then, err = app.ParseRetention(wish, then); err != nil {
			return plan, err
		}
	}
	if p.Target != "" {
		var pins []app.RestorePoint
		if err := a.do(ctx, func() { pins = append(pins, a.core.records.Pins...) }); err != nil {
			return plan, err
		}
		err = a.withReplica(ctx, "retention", func(p app.Prefs, r app.Replica) error {
			if plan, err = r.Thinning(ctx, p.Kept(), then, pins); err != nil {
				return err
			}
			each := []answer[app.RetentionPlan]{{target: p.Target, value: plan}}
			if all, several := r.(*sources); several {
				each = all.thinned
			}
			return a.costPlan(ctx, each, &plan)
		})
	}
	slowest := slowestOf(p)
	plan.Wish, plan.Now, plan.Then = then.String(), a.promises(slowest, p.Kept()), a.promises(slowest, then)
	return plan, err
}

// costPlan adds what the targets cost, now and then.
func (a *Agent) costPlan(ctx context.Context, each []answer[app.RetentionPlan], plan *app.RetentionPlan) error {
	return a.do(ctx, func() {
		for _, one := range each {
			usage := a.usageOf(one.target)
			usage.Stored = one.value.Stored
			plan.MonthlyCost = plan.MonthlyCost.Plus(a.cost(one.target, usage))
			usage.Stored = one.value.StoredThen
			plan.MonthlyCostThen = plan.MonthlyCostThen.Plus(a.cost(one.target, usage))
		}
	})
}

// editRetention saves a retention. The engine asks for it whenever it thins, so nothing is started anew.
func (a *Agent) editRetention(ctx context.Context, wish string) error {
	var err error
	said := ""
	e := a.do(ctx, func() {
		p := a.core.prefs
		var r app.Retention
		if r, err = app.ParseRetention(wish, p.Kept()); err != nil || r == p.Kept() {
			return
		}
		p.Retention = r.String()
		if err = (config.PrefsFile{Path: a.cfg.Layout.Prefs}).Save(p); err == nil {
			a.core.prefs = p
			said = strings.Join(a.promises(slowestOf(p), r), ", ")
			a.publish()
		}
	})
	if e != nil {
		return e
	}
	if err == nil && said != "" {
		a.note(app.Event{Kind: app.EventSetting, Text: "What is kept was changed", Detail: said + "."})
	}
	return err
}

// fetchImage writes the plan's image to a file of ours, and tells how much of it was there. While it runs its point is kept,
// whatever the retention says.
func (a *Agent) fetchImage(ctx context.Context, r app.Replica, plan app.RestorePlan, image, notes string, progress func(done, total int64)) (had int64, err error) {
	id := plan.Point.ID
	if plan.Machine == a.cfg.Machine.ID {
		if err := a.do(ctx, func() { a.core.reading[id]++ }); err != nil {
			return 0, err
		}
		defer a.tell(func() {
			if a.core.reading[id]--; a.core.reading[id] == 0 {
				delete(a.core.reading, id)
			}
		})
	}
	had, err = r.Resume(ctx, plan, image, notes, progress)
	return had, a.letGo(plan, err)
}
