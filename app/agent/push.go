package agent

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// Uploader pushes and compares without pulling, beside the engine of standalone mode.
type Uploader interface {
	// Run records rows that were there before, pushes every row and compares them with the cloud. A proof that does not
	// hold has Equal false and no error. It blocks while offline.
	Run(ctx context.Context, report func(app.Report)) (app.PushResult, error)
}

// Push implements app.Mover.
func (a *Agent) Push(ctx context.Context, req app.PushRequest) (res app.PushResult, err error) {
	if _, signedIn := a.account(); !signedIn {
		return res, noAccount("push")
	}
	p, err := a.prefs(ctx)
	if err != nil {
		return res, err
	}
	if a.effective(p) == app.ModeCloud {
		res, err = a.pushSyncing(ctx, req)
	} else {
		res, err = a.pushAlone(ctx, req)
	}
	if err != nil {
		return res, err
	}
	res.Status, err = a.published(ctx)
	return res, err
}

func (a *Agent) effective(p app.Prefs) app.Mode {
	return app.Effective(p, app.Facts{Forced: a.cfg.Forced})
}

// pushSyncing waits for the engine of cloud mode.
func (a *Agent) pushSyncing(ctx context.Context, req app.PushRequest) (res app.PushResult, err error) {
	s, release, err := a.syncer(ctx)
	if err != nil {
		return res, err
	}
	defer release()
	before, _ := a.board.read()
	var waited app.Capture // the file's own word: what was just written is not in the status yet
	err = a.withFile(ctx, "push", func(f File) (err error) {
		waited, err = f.Capture(ctx)
		return err
	})
	if err != nil {
		return res, err
	}
	if err := s.Push(ctx); err != nil {
		return res, err
	}
	after, err := a.published(ctx)
	if err != nil {
		return res, err
	}
	if before.Cloud != nil && after.Cloud != nil {
		res.Pushed, res.Rejected = waited.Waiting, max(0, after.Cloud.Rejected-before.Cloud.Rejected)
	}
	if req.Initial {
		proof, err := s.Prove(ctx)
		if err != nil {
			return res, err
		}
		res.Proof = &proof
	}
	return res, nil
}

// pushAlone sends and compares without an engine of cloud mode.
func (a *Agent) pushAlone(ctx context.Context, req app.PushRequest) (res app.PushResult, err error) {
	end, err := a.begin("push")
	if err != nil {
		return res, err
	}
	defer end()
	if !req.Initial {
		if err := a.enrolled(ctx); err != nil {
			return res, err
		}
	}
	return a.upload(ctx)
}

func (a *Agent) enrolled(ctx context.Context) error {
	return a.withFile(ctx, "push", func(f File) error {
		c, err := f.Capture(ctx)
		if err == nil && !c.Enrolled {
			err = app.Errorf(app.CodeRefused, "push", "The rows of this file were never recorded for the cloud.").
				WithHint("Send all of them: move to the cloud anew.").Typed("Send all of them with `coditect-sync push --initial`.")
		}
		return err
	})
}

// upload runs an Uploader. The caller has the right to a long operation.
func (a *Agent) upload(ctx context.Context) (res app.PushResult, err error) {
	spec, err := a.cloudSpec(ctx)
	if err != nil {
		return res, err
	}
	u, err := a.cfg.OpenUploader(spec)
	if err != nil {
		return res, err
	}
	defer a.show(nil)
	res, err = u.Run(ctx, func(r app.Report) { a.show(r.Progress) })
	a.lookAtCapture(context.WithoutCancel(ctx))
	if err != nil {
		return res, err
	}
	a.tell(func() {
		c := a.knownCloud()
		if res.Proof != nil {
			c.LastProof = res.Proof
		}
		if res.Pushed > 0 {
			c.LastPushedAt = a.cfg.Now()
		}
		a.noteCloud(c)
		_ = a.saveRecords()
	})
	return res, nil
}

// cloudSpec is what a push of the file that is kept needs. The file is there.
func (a *Agent) cloudSpec(ctx context.Context) (spec CloudSpec, err error) {
	p, err := a.prefs(ctx)
	if err != nil {
		return spec, err
	}
	if p.DB == "" {
		return spec, app.Errorf(app.CodeInvalid, "push", "No file is chosen yet.").WithHint("Choose one in the settings.").
			Typed("Run `coditect-sync setup` first.")
	}
	file, err := a.cfg.OpenFile(p.DB)
	if err != nil {
		return spec, err
	}
	e := a.do(ctx, func() { spec = a.specOf(file) })
	if e != nil {
		return spec, e
	}
	return spec, nil
}

// Prove implements app.Mover.
func (a *Agent) Prove(ctx context.Context) (app.Proof, error) {
	if _, signedIn := a.account(); !signedIn {
		return app.Proof{}, noAccount("verify")
	}
	p, err := a.prefs(ctx)
	if err != nil {
		return app.Proof{}, err
	}
	if a.effective(p) != app.ModeCloud {
		res, err := a.Push(ctx, app.PushRequest{})
		if err != nil || res.Proof == nil {
			return app.Proof{}, err
		}
		return *res.Proof, nil
	}
	s, release, err := a.syncer(ctx)
	if err != nil {
		return app.Proof{}, err
	}
	defer release()
	return s.Prove(ctx)
}

// Rebuild implements app.Mover.
func (a *Agent) Rebuild(ctx context.Context) (app.Status, error) {
	if _, signedIn := a.account(); !signedIn {
		return app.Status{}, noAccount("rebuild")
	}
	end, err := a.begin("rebuild")
	if err != nil {
		return app.Status{}, err
	}
	defer end()
	p, err := a.prefs(ctx)
	if err != nil {
		return app.Status{}, err
	}
	if a.effective(p) != app.ModeCloud {
		return app.Status{}, app.Errorf(app.CodeRefused, "rebuild", "Rows can be fetched anew only in cloud mode.").
			WithHint("Switch it on in the settings.").Typed("Switch it on with `coditect-sync mode cloud`.")
	}
	if err := a.renewFile(ctx, p.DB); err != nil {
		return app.Status{}, err
	}
	s, release, err := a.syncer(ctx)
	if err != nil {
		return app.Status{}, err
	}
	defer release()
	if err := s.Rebuild(ctx); err != nil {
		return app.Status{}, err
	}
	a.note(app.Event{Kind: app.EventSync, Text: "Every row was fetched anew"})
	return a.published(ctx)
}

// renewFile makes a missing file anew, with no engine running. A damaged one is left to the restore, which keeps it.
func (a *Agent) renewFile(ctx context.Context, path string) error {
	file, err := a.cfg.OpenFile(path)
	if err != nil {
		return err
	}
	if there, err := file.Exists(); err != nil || there {
		return err
	}
	if err := a.do(ctx, func() { a.core.hold = true }); err != nil {
		return err
	}
	defer a.tell(func() { a.core.hold = false; a.core.retryAt = a.cfg.Now() })
	if err := a.settle(ctx); err != nil {
		return err
	}
	return file.Create(ctx)
}
