package agent

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// cost is what a month of that usage is estimated to cost at a target; nil where that is not known.
func (a *Agent) cost(target string, u app.Usage) *app.Cost {
	if a.cfg.Cost == nil || target == "" {
		return nil
	}
	return a.cfg.Cost(target, u, a.cfg.Now())
}

// usage is what was asked of the target so far.
func (a *Agent) usage(ctx context.Context) (u app.Usage) {
	_ = a.do(ctx, func() { u = a.usageOf(a.core.prefs.Target) }) // of an agent that ends nothing is asked any more
	return u
}

// costNote says what the same copying costs at another target.
func (a *Agent) costNote(ctx context.Context, target string) []string {
	c := a.cost(target, a.usage(ctx))
	if c == nil || c.Prices == "" {
		return nil
	}
	return []string{"Going by what was copied so far, it costs " + c.InWords() + " Prices of " + c.Prices + "."}
}

// usageOf is what was asked of one target so far. Run's goroutine.
func (a *Agent) usageOf(target string) app.Usage {
	for _, st := range a.reportedTargets() {
		if st.Target == target {
			return st.Usage
		}
	}
	return a.core.records.Of(target, a.core.prefs.Target).Usage
}
