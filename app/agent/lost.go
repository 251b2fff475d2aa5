package agent

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// Lost implements app.Finder.
func (a *Agent) Lost(ctx context.Context) (list []app.LostItem, err error) {
	err = a.withFile(ctx, "lost", func(f File) error {
		list, err = f.Lost(ctx)
		return err
	})
	if app.CodeOf(err) == app.CodeNotFound {
		return nil, nil // no file, so nothing was lost from it
	}
	return list, err
}

// ReapplyLost implements app.Finder.
func (a *Agent) ReapplyLost(ctx context.Context, id string) (item app.LostItem, err error) {
	err = a.withFile(ctx, "lost", func(f File) error {
		item, err = f.ReapplyLost(ctx, id)
		return err
	})
	if err == nil {
		a.note(app.Event{Kind: app.EventSync, Text: "A row was taken back from lost & found"})
	}
	return item, err
}

// KeepBoth implements app.Finder.
func (a *Agent) KeepBoth(ctx context.Context, id string) (item app.LostItem, err error) {
	err = a.withFile(ctx, "lost", func(f File) error {
		item, err = f.KeepBoth(ctx, id)
		return err
	})
	if err == nil {
		a.note(app.Event{Kind: app.EventSync, Text: "Both versions of a row were kept from lost & found"})
	}
	return item, err
}

// DiscardLost implements app.Finder.
func (a *Agent) DiscardLost(ctx context.Context, id string) error {
	err := a.withFile(ctx, "lost", func(f File) error { return f.DiscardLost(ctx, id) })
	if err == nil {
		a.note(app.Event{Kind: app.EventSync, Text: "A row was discarded from lost & found"})
	}
	return err
}

// withFile calls f with the file that is kept. CodeNotFound when none is chosen.
func (a *Agent) withFile(ctx context.Context, op string, f func(File) error) error {
	p, err := a.prefs(ctx)
	if err != nil {
		return err
	}
	if p.DB == "" {
		return app.Errorf(app.CodeNotFound, op, "No file is chosen yet.").WithHint("Sign in, or choose where the copies go.").
			Typed("Run `coditect-sync login` or `coditect-sync setup`.")
	}
	file, err := a.cfg.OpenFile(p.DB)
	if err != nil {
		return err
	}
	if err := f(file); err != nil {
		return err
	}
	a.lookAtCapture(ctx)
	return nil
}
