package agent

import (
	"context"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// wishTargets are the targets as a request wants them.
func wishTargets(p app.Prefs, req app.SetupRequest, byDefault string) (app.Prefs, error) {
	switch {
	case req.Add && req.Remove:
		return p, app.Errorf(app.CodeInvalid, "setup", "A storage was to be added and removed.").WithHint("Choose one of them.")
	case req.Remove:
		return withoutTarget(p, req.Target)
	case req.Target == "" && len(req.More) > 0, req.Add && req.Target == "":
		return p, app.Errorf(app.CodeInvalid, "setup", "It was not said which storage.").WithHint("Name it: coditect-sync setup --target URL.")
	}
	given := []app.Place{}
	for _, url := range append([]string{req.Target}, req.More...) {
		given = append(given, app.Place{Target: url, Credentials: req.Credentials})
	}
	switch {
	case req.Add && p.Target != "":
		return addTargets(p, given)
	case req.Target == "" && p.Target != "":
		if req.Credentials != "" {
			p.Credentials = req.Credentials
		}
		return p, nil
	case req.Target == "":
		given[0].Target = byDefault
	}
	was := p
	if !slices.ContainsFunc(p.Places(), func(is app.Place) bool { return is.Target == given[0].Target }) {
		p.User = ""
	}
	for i := range given {
		given[i] = keepCredentials(was, given[i])
	}
	return addTargets(p.With(nil), given)
}

// addTargets adds those that are not there yet. One that is named twice is a mistake.
func addTargets(p app.Prefs, given []app.Place) (app.Prefs, error) {
	all := slices.Clone(p.Places())
	named := map[string]bool{}
	for _, g := range given {
		if named[plainURL(g.Target)] {
			return p, app.Errorf(app.CodeInvalid, "setup", "%s was named twice.", g.Target).WithHint("Name each storage once.")
		}
		named[plainURL(g.Target)] = true
		i := slices.IndexFunc(all, func(is app.Place) bool { return plainURL(is.Target) == plainURL(g.Target) })
		if i < 0 {
			all = append(all, g)
			continue
		}
		if g.Credentials != "" {
			all[i].Credentials = g.Credentials
		}
	}
	return p.With(all), nil
}

func withoutTarget(p app.Prefs, target string) (app.Prefs, error) {
	left := slices.DeleteFunc(slices.Clone(p.Places()), func(is app.Place) bool { return plainURL(is.Target) == plainURL(target) })
	switch {
	case len(left) == len(p.Places()):
		return p, app.Errorf(app.CodeNotFound, "setup", "Nothing is copied to %s.", target).WithHint("`coditect-sync target` lists the storages.")
	case len(left) == 0:
		return p, app.Errorf(app.CodeRefused, "setup", "%s is the only storage.", target).
			WithHint("Name another one with `coditect-sync setup --target URL`, or switch off with `coditect-sync mode off`.")
	}
	return p.With(left), nil
}

// keepCredentials keeps those of a target that is set up again.
func keepCredentials(was app.Prefs, g app.Place) app.Place {
	for _, is := range was.Places() {
		if is.Target == g.Target && g.Credentials == "" {
			return is
		}
	}
	return g
}

// plainURL is a target's URL without what makes no difference.
func plainURL(target string) string { return strings.TrimRight(target, "/") }

// tries are the targets that a setup uses: a target that is added or removed is no reason to ask the others, one of which
// may be away.
func tries(p app.Prefs, req app.SetupRequest) []app.Place {
	switch {
	case req.Remove:
		return nil
	case !req.Add:
		return p.Places()
	}
	return slices.DeleteFunc(slices.Clone(p.Places()), func(is app.Place) bool {
		return !slices.ContainsFunc(append([]string{req.Target}, req.More...), func(url string) bool { return plainURL(url) == plainURL(is.Target) })
	})
}

// noteTargets says what becomes of the targets of before, and what the new ones cost.
func (a *Agent) noteTargets(ctx context.Context, was, p app.Prefs, res *app.SetupResult) {
	had := func(prefs app.Prefs, target string) bool {
		return slices.ContainsFunc(prefs.Places(), func(is app.Place) bool { return is.Target == target })
	}
	for _, place := range p.Places() {
		if was.Target != "" && !had(was, place.Target) {
			res.Notes = append(res.Notes, a.costNote(ctx, place.Target)...)
		}
	}
	for _, place := range was.Places() {
		if !had(p, place.Target) && len(was.More)+len(p.More) > 0 {
			res.Notes = append(res.Notes, "Nothing is copied to "+place.Target+" any more. What is there stays.")
		}
	}
}

func onSameDisk(p app.Prefs, place app.Place) string {
	if len(p.More) > 0 {
		return "The copies in " + place.Target + " are on the same disk as the file: they protect from mistakes, not from losing the disk."
	}
	return "The copies are on the same disk as the file: they protect from mistakes, not from losing the disk."
}

// forgetTargets drops what was known of targets that are new, and what is believed to be at those that were tried again.
// Run's goroutine.
func (a *Agent) forgetTargets(was, p app.Prefs, tried []app.Place) {
	before, rec := a.core.records, &a.core.records
	same := was.DB == p.DB && was.User == p.User
	stay := false
	rec.TargetRecord, rec.More = config.TargetRecord{}, nil
	for _, place := range p.Places() {
		known := config.TargetRecord{}
		if same && slices.ContainsFunc(was.Places(), func(is app.Place) bool { return is.Target == place.Target }) {
			stay, known = true, before.Of(place.Target, was.Target)
		}
		if slices.Contains(tried, place) {
			known = config.TargetRecord{FirstCopyAt: known.FirstCopyAt, Usage: known.Usage}
		}
		rec.Set(place.Target, p.Target, known)
	}
	if !stay {
		rec.Undo, rec.Pins = nil, nil
	}
}
