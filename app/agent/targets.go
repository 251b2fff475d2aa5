package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// reportedTargets is what the engine said last of each target; nil while it has said nothing.
func (a *Agent) reportedTargets() []app.StandaloneStatus {
	r := a.core.report
	if r.Standalone == nil {
		return nil
	}
	if len(r.Standalone.Targets) > 0 {
		return r.Standalone.Targets
	}
	one := *r.Standalone
	one.Target, one.Progress, one.Error = a.core.prefs.Target, r.Progress, r.Fault
	return []app.StandaloneStatus{one}
}

// standalone is the status of the target that is worst off, with all of them in Targets.
func (a *Agent) standalone() app.StandaloneStatus {
	said := a.reportedTargets()
	var all []app.StandaloneStatus
	places := a.core.prefs.Places()
	for _, place := range places {
		st := a.known(place.Target)
		if i := slices.IndexFunc(said, func(st app.StandaloneStatus) bool { return st.Target == place.Target }); i >= 0 {
			st = said[i]
		}
		st.Encryption, st.Google, st.Access = place.Encryption, place.Google, place.Access
		if st.Error == nil {
			st.Error = a.shut(place.Target)
		}
		st.Retention = a.promises(slowestOf(a.core.prefs), a.core.prefs.Kept())
		st.MonthlyCost = a.cost(place.Target, st.Usage)
		all = append(all, st)
	}
	out := app.WorstOff(all)
	out.Targets = all
	return out
}

// shut is why a target could not be opened; nil where it was.
func (a *Agent) shut(target string) *app.Error {
	if a.core.engine == nil {
		return nil
	}
	for _, f := range a.core.engine.shut {
		if f.Target == target {
			return f.Error
		}
	}
	return nil
}

// targetsOf are all targets of a status; of one that lists none it is that one.
func targetsOf(st app.StandaloneStatus) []app.StandaloneStatus {
	if len(st.Targets) == 0 {
		return []app.StandaloneStatus{st}
	}
	return st.Targets
}

// slowestOf is the target whose pace is that of all: changes are captured once.
func slowestOf(p app.Prefs) string {
	for _, place := range p.Places() {
		if !isFolder(place.Target) {
			return place.Target
		}
	}
	return p.Target
}

// drillEvery is the interval of test restores at a target.
func drillEvery(target string) time.Duration {
	if isFolder(target) {
		return 24 * time.Hour
	}
	return 7 * 24 * time.Hour
}

// judge says of each target whether it is healthy, and of the whole: that is so only where all are.
func (a *Agent) judge(s *app.Status, now time.Time) {
	all := slices.Clone(s.Standalone.Targets)
	// Of several the others go on where one needs a person.
	kept := s.State == app.StateStandalone || s.State == app.StateError && len(all) > 1 && a.core.fault == nil
	healthy := s.State == app.StateStandalone && s.Error == nil
	for i := range all {
		all[i].Healthy = kept && all[i].Error == nil && healthyTarget(all[i], now)
		healthy = healthy && all[i].Healthy
	}
	out := app.WorstOff(all)
	out.Targets, out.Healthy = all, healthy
	out.Progress, out.Error = nil, nil // beside it in the Status
	s.Standalone = &out
}

// healthyTarget: the last drill passed and is no older than twice its interval, nothing has waited for over a minute, the
// target was not lost for that long.
func healthyTarget(st app.StandaloneStatus, now time.Time) bool {
	lost := offlineSince(st.Progress)
	return st.LastDrill != nil && st.LastDrill.OK && now.Sub(st.LastDrill.At) <= 2*drillEvery(st.Target) && !ahead(st.LastDrill.At, now) &&
		(st.WaitingSince.IsZero() || now.Sub(st.WaitingSince) <= overdue) && st.ReplicatedTXID != "" &&
		(lost.IsZero() || now.Sub(lost) <= overdue)
}

// offlineSince is when the target was lost, also while nothing waits for it; zero while it is not.
func offlineSince(p *app.Progress) time.Time {
	if p == nil || p.Phase != app.PhaseOffline {
		return time.Time{}
	}
	return p.Since
}

// severalSentence says which of several targets are proved where not all are.
func severalSentence(s app.Status, now time.Time) string {
	st := *s.Standalone
	if len(st.Targets) < 2 {
		st.Progress = s.Progress
		return standaloneSentence(st, now)
	}
	if st.Healthy {
		return fmt.Sprintf("You are protected in %d places. You can go back to any moment up to %s.", len(st.Targets), clock(st.LastReplicatedAt, now))
	}
	var proved []string
	for _, one := range st.Targets {
		if one.Healthy {
			proved = append(proved, one.Target)
		}
		if one.Target == st.Target {
			st.Progress = one.Progress
		}
	}
	text := st.Target + ": " + standaloneSentence(st, now)
	if st.Error != nil {
		text = st.Target + ": " + st.Error.Message
	}
	if len(proved) > 0 {
		text = "Proved at " + strings.Join(proved, " and ") + ", but not everywhere. " + text
	}
	return text
}

// withReplica opens the target for reading and calls f.
func (a *Agent) withReplica(ctx context.Context, op string, f func(app.Prefs, app.Replica) error) error {
	p, err := a.prefs(ctx)
	if err != nil {
		return err
	}
	if p.Target == "" {
		return noStorage(op)
	}
	storages, shut, err := a.openStorages(ctx, p)
	if err != nil {
		return err
	}
	defer func() { _ = closeStorages(storages) }()
	all := &sources{machine: a.cfg.Machine.ID, shut: shut}
	for _, s := range storages {
		all.of = append(all.of, source{s.target, s.Replica(p.User, a.cfg.Machine.ID, a.newestCopied(s.target))})
	}
	defer func() { _ = all.Close() }()
	if len(p.More) == 0 {
		return f(p, all.of[0].Replica)
	}
	return f(p, all)
}

func noStorage(op string) *app.Error {
	return app.Errorf(app.CodeInvalid, op, "No storage is set up yet.").WithHint("Choose where the copies go.").
		Typed("Run `coditect-sync setup --target URL` first.")
}

// narrowed leaves the one of several targets that a request names.
func narrowed(p app.Prefs, r app.Replica, target string) error {
	all, several := r.(*sources)
	switch {
	case target == "":
		return nil
	case several:
		return all.narrow(target)
	case plainURL(target) != plainURL(p.Target):
		return noTarget(target)
	}
	return nil
}
