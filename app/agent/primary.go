package agent

import (
	"context"

	"github.com/google/uuid"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// settlePrimary decides, before setup saves anything, whether this machine may write the history of its file: where
// another one does, a person has to say whether to take over or to begin a history of its own.
func (a *Agent) settlePrimary(ctx context.Context, storage Storage, user string, req app.SetupRequest, res *app.SetupResult) error {
	if req.TakeOver && req.Branch {
		return app.Errorf(app.CodeInvalid, "setup", "Taking over and branching were both asked for.").WithHint("Choose one of them.")
	}
	if req.Branch {
		return a.branch(ctx, res)
	}
	lineage, err := a.lineage(ctx)
	if err != nil {
		return err
	}
	is, err := storage.Primary(ctx, user, lineage)
	if err != nil || is.Machine == a.cfg.Machine.ID || is == (app.Primary{}) {
		return err
	}
	if !req.TakeOver {
		return app.Errorf(app.CodeRefused, "primary", "%s writes the history of this file, since %s.", hostOf(is), is.Since.Local().Format("2 Jan 2006 15:04")).
			WithHint("Take over with --take-over when it is not used any more; else go on beside it with --branch.")
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
	if err := (config.MachineFile{Path: a.cfg.Layout.Machine}).SetLineage(fresh.String()); err != nil {
		return err
	}
	res.Steps = append(res.Steps, "Began a history of its own for this file.")
	return a.do(ctx, func() { a.core.lineage = fresh.String() })
}

func (a *Agent) lineage(ctx context.Context) (l string, err error) {
	err = a.do(ctx, func() { l = a.core.lineage })
	return l, err
}
