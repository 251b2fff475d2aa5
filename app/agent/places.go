package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

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
		return p, app.Errorf(app.CodeInvalid, "setup", "It was not said which storage.").WithHint("Name it.").
			Typed("Name it: coditect-sync setup --target URL.")
	}
	given := []string{req.Target}
	switch given = append(given, req.More...); {
	case req.Target == "" && p.Target != "":
		return letInEverywhere(p, req)
	case req.Target == "":
		given[0] = byDefault
	}
	if err := checkLetIn(req, given); err != nil {
		return p, err
	}
	if !(req.Add && p.Target != "") && !slices.ContainsFunc(p.Places(), func(is app.Place) bool { return is.Target == given[0] }) {
		p.User = ""
	}
	return withTargets(p, given, req)
}

// letIn is a place with what a request says of how it lets in; the request's other places may be of another kind.
func letIn(place app.Place, req app.SetupRequest) app.Place {
	switch {
	case isS3(place.Target) && req.Access != nil:
		place.Access = req.Access.ID
	case isS3(place.Target) && req.Ambient:
		place.Access = ""
	case !isGoogle(place.Target):
	case req.Credentials != "":
		place.Credentials, place.Google = req.Credentials, ""
	case req.Google != "":
		place.Credentials, place.Google = "", req.Google
	case req.Ambient:
		place.Credentials, place.Google = "", ""
	}
	return place
}

// letInEverywhere changes how the places that are there let in.
func letInEverywhere(p app.Prefs, req app.SetupRequest) (app.Prefs, error) {
	all := slices.Clone(p.Places())
	targets := make([]string, len(all))
	for i := range all {
		all[i], targets[i] = letIn(all[i], req), all[i].Target
	}
	return p.With(all), checkLetIn(req, targets)
}

// checkLetIn: what lets in is said once, and is for a storage that is there.
func checkLetIn(req app.SetupRequest, targets []string) error {
	switch {
	case several(req.Credentials != "", req.Google != "", req.Ambient), several(req.Access != nil, req.Ambient):
		return app.Errorf(app.CodeInvalid, "setup", "It was said in two ways how the storage lets this machine in.").
			WithHint("Choose one: a key, a sign-in, or what this machine has.")
	case req.Access != nil && (req.Access.ID == "" || req.Access.Secret == ""):
		return app.Errorf(app.CodeInvalid, "setup", "An access key is an id and a secret, and one of them is missing.").WithHint("Give both.")
	case req.Access != nil && !slices.ContainsFunc(targets, isS3):
		return app.Errorf(app.CodeInvalid, "setup", "An access key is for storages that begin with s3://, and there is none.").
			WithHint("Name one, such as s3://bucket/folder.").Typed("Name one with --target s3://bucket/folder.")
	case req.Credentials != "" && !slices.ContainsFunc(targets, isGoogle):
		return app.Errorf(app.CodeInvalid, "setup", "A key file of a service account is for storages that begin with gs://, and there is none.").
			WithHint("Leave it out, or name one of those.").Typed("Leave --credentials out, or name one with --target gs://bucket/folder.")
	case req.Google != "" && !slices.ContainsFunc(targets, isGoogle):
		return app.Errorf(app.CodeInvalid, "setup", "A sign-in to Google is for storages that begin with gs://, and there is none.").
			WithHint("Leave it out, or name one of those.").Typed("Name one with --target gs://bucket/folder.")
	}
	return nil
}

// several tells that more than one is true.
func several(all ...bool) bool {
	is := slices.DeleteFunc(all, func(one bool) bool { return !one })
	return len(is) > 1
}

func isGoogle(target string) bool { return strings.HasPrefix(target, "gs://") }
func isS3(target string) bool     { return strings.HasPrefix(target, "s3://") }

// withTargets are the wishes for the given targets, with Add beside those of before. What is known of one stays. One that is
// named twice is a mistake.
func withTargets(p app.Prefs, given []string, req app.SetupRequest) (app.Prefs, error) {
	known, all := p.Places(), []app.Place{}
	if req.Add {
		all = slices.Clone(known)
	}
	named := map[string]bool{}
	for _, target := range given {
		if named[plainURL(target)] {
			return p, app.Errorf(app.CodeInvalid, "setup", "%s was named twice.", target).WithHint("Name each storage once.")
		}
		named[plainURL(target)] = true
		i := slices.IndexFunc(all, func(is app.Place) bool { return plainURL(is.Target) == plainURL(target) })
		if i < 0 {
			i = len(all)
			all = append(all, placeNamed(known, target))
		}
		all[i] = letIn(all[i], req)
	}
	return p.With(all), nil
}

// placeNamed is the known place of a target, else a new one.
func placeNamed(known []app.Place, target string) app.Place {
	if i := slices.IndexFunc(known, func(is app.Place) bool { return is.Target == target }); i >= 0 {
		return known[i]
	}
	return app.Place{Target: target}
}

// twiceLimit is how long another storage may take to show whether it is the same one: it may be away.
const twiceLimit = 5 * time.Second

// refuseTwice refuses a storage that one before it is already, by another name: it would be called a second copy, and two
// shippers would write to one place. One that is away cannot be asked.
func (a *Agent) refuseTwice(ctx context.Context, storage Storage, p app.Prefs, place app.Place) error {
	ctx, cancel := context.WithTimeout(ctx, twiceLimit)
	defer cancel()
	for _, before := range p.Places() {
		if before.Target == place.Target {
			return nil
		}
		other, err := a.cfg.OpenStorage(ctx, p.At(before))
		if err != nil {
			continue
		}
		same, err := storage.SamePlace(ctx, other)
		if err := errors.Join(err, other.Close()); err != nil {
			a.log.Info("not known whether two storages are one", "error", err)
		}
		if same {
			return app.Errorf(app.CodeInvalid, "setup", "%s and %s are the same place.", before.Target, place.Target).
				WithHint("Name each storage once: a second copy protects where it is somewhere else.")
		}
	}
	return nil
}

func withoutTarget(p app.Prefs, target string) (app.Prefs, error) {
	left := slices.DeleteFunc(slices.Clone(p.Places()), func(is app.Place) bool { return plainURL(is.Target) == plainURL(target) })
	switch {
	case len(left) == len(p.Places()):
		return p, app.Errorf(app.CodeNotFound, "setup", "Nothing is copied to %s.", target).Typed("`coditect-sync target` lists the storages.")
	case len(left) == 0:
		return p, app.Errorf(app.CodeRefused, "setup", "%s is the only storage.", target).
			WithHint("Name another one first, or switch off.").
			Typed("Name another one with `coditect-sync setup --target URL`, or switch off with `coditect-sync mode off`.")
	}
	return p.With(left), nil
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
