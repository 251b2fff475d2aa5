package agent

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// settlePrimaries does what a person said of a history that another machine writes: last, once all storages and the file were
// found good. Else the other one would stop copying to those that were reached, and this one would not have begun.
func (a *Agent) settlePrimaries(ctx context.Context, p app.Prefs, tried []app.Place, req app.SetupRequest, res *app.SetupResult) error {
	switch {
	case len(tried) == 0:
		return nil
	case req.Branch:
		return a.branch(ctx, res)
	case !req.TakeOver:
		return nil
	}
	for _, place := range tried {
		if err := a.settlePrimaryAt(ctx, p.At(place), req, res); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) settlePrimaryAt(ctx context.Context, p app.Prefs, req app.SetupRequest, res *app.SetupResult) error {
	storage, err := a.cfg.OpenStorage(ctx, p)
	if err != nil {
		return err
	}
	defer func() { _ = storage.Close() }()
	return a.settlePrimary(ctx, storage, p.User, req, res)
}

// settlePrimary decides, before setup saves anything, whether this machine may write the history of its file: where
// another one does, a person has to say whether to take over or to begin a history of its own.
func (a *Agent) settlePrimary(ctx context.Context, storage Storage, user string, req app.SetupRequest, res *app.SetupResult) error {
	lineage, err := a.lineage(ctx)
	if err != nil {
		return err
	}
	is, err := storage.Primary(ctx, user, lineage)
	if from := a.origin(ctx); err == nil && req.TakeOver && from.Lineage != "" && is.Machine == a.cfg.Machine.ID {
		return a.rejoin(ctx, storage, user, from, res)
	}
	if err != nil || is.Machine == a.cfg.Machine.ID || is == (app.Primary{}) {
		return err
	}
	if !req.TakeOver {
		return app.Errorf(app.CodeRefused, "primary", "%s writes the history of this file, since %s.", hostOf(is), is.Since.Local().Format("2 Jan 2006 15:04")).
			WithHint("Take over when it is not used any more; else go on beside it with a history of its own.").
			Typed("Take over with --take-over when it is not used any more; else go on beside it with --branch.")
	}
	if err := storage.TakeOver(ctx, user, lineage, a.cfg.Machine.ID, a.cfg.Host); err != nil {
		return err
	}
	res.Steps = append(res.Steps, "Took over from "+hostOf(is)+", which stops copying. Its points stay restorable.")
	return nil
}

func hostOf(p app.Primary) string {
	switch {
	case p.Host != "":
		return p.Host
	case p.Machine != "":
		return p.Machine
	}
	return "Another machine"
}

// branch gives the file a history of its own, which no other machine writes.
func (a *Agent) branch(ctx context.Context, res *app.SetupResult) error {
	fresh, err := uuid.NewV7()
	if err != nil {
		return app.Errorf(app.CodeFailed, "setup", "The system gives no random numbers.").Wrap(err)
	}
	if err := a.setLineage(ctx, fresh.String(), a.origin(ctx)); err != nil {
		return err
	}
	res.Steps = append(res.Steps, "Began a history of its own for this file.")
	return nil
}

// setLineage makes the file follow a history. An engine that runs begins anew with it.
func (a *Agent) setLineage(ctx context.Context, lineage string, from app.Origin) error {
	if err := (config.MachineFile{Path: a.cfg.Layout.Machine}).SetLineage(lineage, from); err != nil {
		return err
	}
	return a.do(ctx, func() {
		a.core.lineage, a.core.from = lineage, from
		if a.core.engine != nil {
			a.core.engine.wanted = wanted{}
		}
	})
}

func (a *Agent) origin(ctx context.Context) (from app.Origin) {
	_ = a.do(ctx, func() { from = a.core.from }) // of an agent that ends nothing follows
	return from
}

// rejoin makes this machine the one that writes the history its file was restored from.
func (a *Agent) rejoin(ctx context.Context, storage Storage, user string, from app.Origin, res *app.SetupResult) error {
	if err := storage.TakeOver(ctx, user, from.Lineage, a.cfg.Machine.ID, a.cfg.Host); err != nil {
		return err
	}
	if err := a.setLineage(ctx, from.Lineage, app.Origin{}); err != nil {
		return err
	}
	res.Steps = append(res.Steps, "Took over from "+hostOf(app.Primary{Machine: from.Machine, Host: from.Host})+
		", whose history this file came from. It stops copying; its points stay restorable.")
	return nil
}

// source is where the restore of another machine's file comes from, and who writes that history; zeros for this machine's
// own, and for one of an older version that says nothing of its lineage.
func (a *Agent) source(ctx context.Context, p app.Prefs, r app.Replica, plan app.RestorePlan) (from app.Origin, writer app.Primary, err error) {
	own, err := a.lineage(ctx)
	if err != nil || plan.Machine == a.cfg.Machine.ID {
		return from, writer, err
	}
	machines, err := r.Machines(ctx)
	i := slices.IndexFunc(machines, func(m app.Machine) bool { return m.ID == plan.Machine })
	if err != nil || i < 0 || machines[i].Lineage == "" || machines[i].Lineage == own {
		return from, writer, err
	}
	from = app.Origin{Lineage: machines[i].Lineage, Machine: plan.Machine, Host: machines[i].Host, Point: plan.Point.ID, At: a.cfg.Now().UTC()}
	storage, err := a.cfg.OpenStorage(ctx, p.At(placeOf(p, plan.Target)))
	if err != nil {
		return from, writer, err
	}
	defer func() { _ = storage.Close() }()
	writer, err = storage.Primary(ctx, p.User, from.Lineage)
	return from, writer, err
}

// placeOf is the one of the targets that a plan reads, the first one where it does not say.
func placeOf(p app.Prefs, target string) app.Place {
	places := p.Places()
	return places[max(0, slices.IndexFunc(places, func(is app.Place) bool { return plainURL(is.Target) == plainURL(target) }))]
}

// takeOver makes this machine the one that writes a history at the target that was read, and where it can at the others:
// those that are away say themselves who writes there once they are back.
func (a *Agent) takeOver(ctx context.Context, p app.Prefs, read, lineage string) error {
	first := placeOf(p, read)
	if err := a.takeOverAt(ctx, p.At(first), lineage); err != nil {
		return err
	}
	for _, place := range p.Places() {
		if place == first {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, othersLimit)
		if err := a.takeOverAt(limited, p.At(place), lineage); err != nil {
			a.log.Warn("history not taken over", "target", place.Target, "error", err)
		}
		cancel()
	}
	return nil
}

func (a *Agent) takeOverAt(ctx context.Context, p app.Prefs, lineage string) error {
	storage, err := a.cfg.OpenStorage(ctx, p)
	if err != nil {
		return err
	}
	defer func() { _ = storage.Close() }()
	is, err := storage.Primary(ctx, p.User, lineage)
	if err != nil || is.Machine == a.cfg.Machine.ID || is.Machine == "" {
		return err
	}
	return storage.TakeOver(ctx, p.User, lineage, a.cfg.Machine.ID, a.cfg.Host)
}

// follow lets the file go on with the history it was restored from, or with its own beside it, and says which.
func (a *Agent) follow(ctx context.Context, p app.Prefs, r app.Replica, plan app.RestorePlan, takeOver bool) (string, error) {
	from, writer, err := a.source(ctx, p, r, plan)
	if err != nil || from.Lineage == "" {
		return "", err
	}
	other := writer.Machine != "" && writer.Machine != a.cfg.Machine.ID
	if other && !takeOver {
		own, err := a.lineage(ctx)
		if err == nil {
			err = a.setLineage(ctx, own, from)
		}
		return "It goes on as a branch of its own, beside " + hostOf(writer) + ", which writes the history it came from.", err
	}
	if other {
		if err := a.takeOver(ctx, p, plan.Target, from.Lineage); err != nil {
			return "", err
		}
	}
	if err := a.setLineage(ctx, from.Lineage, app.Origin{}); err != nil || !other {
		return "It goes on with the history it came from.", err
	}
	return "It goes on with the history it came from; " + hostOf(writer) + " stops copying.", nil
}

func (a *Agent) lineage(ctx context.Context) (l string, err error) {
	err = a.do(ctx, func() { l = a.core.lineage })
	return l, err
}
