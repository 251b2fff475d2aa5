package agent

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
)

// Verify implements app.Inspector.
func (a *Agent) Verify(ctx context.Context) (app.Drill, error) {
	end, err := a.begin("verify")
	if err != nil {
		return app.Drill{}, err
	}
	defer end()
	p, err := a.prefs(ctx)
	if err != nil {
		return app.Drill{}, err
	}
	if a.effective(p) == app.ModeCloud {
		return app.Drill{}, app.Errorf(app.CodeInvalid, "verify", "In cloud mode rows are compared with the cloud instead of a test restore.").
			WithHint("Ask for a proof.")
	}
	if p.Target == "" {
		return app.Drill{}, app.Errorf(app.CodeInvalid, "verify", "No storage is set up yet, so there is nothing to prove.").
			WithHint("Choose where the copies go.").Typed("Run `coditect-sync setup` first.")
	}
	if err := enoughSpace(a.cfg.Layout.Tmp, dbSize(p.DB)); err != nil {
		return app.Drill{}, err
	}
	k, release, err := a.keeper(ctx)
	if err != nil {
		return app.Drill{}, err
	}
	defer release()
	return k.Drill(ctx)
}

func enoughSpace(dir string, need int64) error {
	free, err := diskFree(dir)
	if err == nil && free < need {
		return app.Errorf(app.CodeNoSpace, "verify", "This disk has %s left, the test restore needs %s.", size(free), size(need)).
			WithHint("Free some space in %s.", dir)
	}
	return err
}

// Machines implements app.Inspector.
func (a *Agent) Machines(ctx context.Context) (out []app.Machine, err error) {
	p, err := a.prefs(ctx)
	if err != nil {
		return nil, err
	}
	if door := a.fleet(); door != nil && a.effective(p) == app.ModeCloud {
		return door.Machines(ctx)
	}
	err = a.withReplica(ctx, "machines", func(_ app.Prefs, r app.Replica) error {
		out, err = r.Machines(ctx)
		return err
	})
	for i := range out {
		out[i].This = out[i].ID == a.cfg.Machine.ID
	}
	return out, err
}

// Doctor implements app.Inspector: it looks at the file, its surroundings, the storage and the settings, and changes
// nothing but a probe object that it deletes again.
func (a *Agent) Doctor(ctx context.Context) ([]app.Finding, error) {
	p, err := a.prefs(ctx)
	if err != nil {
		return nil, err
	}
	s, _ := a.board.read()
	out := []app.Finding{{Check: "sqlite", Level: app.LevelOK, Detail: "SQLite " + a.cfg.SQLiteVersion + " is built in."}}
	out = append(out, a.fileFindings(ctx, p)...)
	out = append(out, a.storageFindings(ctx, p)...)
	return append(out, stateFindings(s)...), nil
}

func (a *Agent) fileFindings(ctx context.Context, p app.Prefs) []app.Finding {
	if p.DB == "" {
		return []app.Finding{{Check: "file", Level: app.LevelWarn, Detail: "No file is chosen yet.", Hint: "Choose one in the settings.", TypedHint: "Run `coditect-sync setup`."}}
	}
	file, err := a.cfg.OpenFile(p.DB)
	if err == nil {
		_, err = file.Inspect(ctx)
	}
	if err != nil {
		return []app.Finding{bad("file", err)}
	}
	out := []app.Finding{{Check: "file", Level: app.LevelOK, Detail: fmt.Sprintf("%s can be read, %s.", p.DB, size(dbSize(p.DB)))}}
	return append(out, file.Surroundings(ctx)...)
}

func (a *Agent) storageFindings(ctx context.Context, p app.Prefs) []app.Finding {
	if p.Target == "" {
		return []app.Finding{{Check: "storage", Level: app.LevelWarn, Detail: "No storage is set up yet.", Hint: "Choose where the copies go.", TypedHint: "Run `coditect-sync setup`."}}
	}
	var out []app.Finding
	for _, place := range p.Places() {
		out = append(out, a.targetFindings(ctx, p.At(place))...)
	}
	return out
}

func (a *Agent) targetFindings(ctx context.Context, p app.Prefs) []app.Finding {
	storage, err := a.cfg.OpenStorage(ctx, p)
	if err != nil {
		return []app.Finding{bad("storage", err)}
	}
	defer func() { _ = storage.Close() }()
	var out []app.Finding
	if _, err := storage.Probe(ctx); err != nil {
		out = append(out, bad("storage", err))
	} else {
		out = append(out, app.Finding{Check: "storage", Level: app.LevelOK, Detail: p.Target + " takes, returns and deletes objects."})
	}
	if same, err := storage.SameDisk(filepath.Dir(p.DB)); err == nil && same {
		out = append(out, app.Finding{
			Check: "same disk", Level: app.LevelWarn, Detail: "The copies are on the same disk as the file.",
			Hint: "They protect from mistakes, not from losing the disk. Use another disk, a NAS or a bucket.",
		})
	}
	return out
}

func stateFindings(s app.Status) []app.Finding {
	var out []app.Finding
	if s.ModeLocked != "" {
		out = append(out, app.Finding{Check: "mode", Level: app.LevelOK, Detail: "Locked: CODITECT_SYNC_MODE=" + s.ModeLocked + " is set."})
	}
	if s.Standalone != nil {
		for _, st := range targetsOf(*s.Standalone) {
			f := drillFinding(st.LastDrill)
			if len(s.Standalone.Targets) > 1 {
				f.Detail = st.Target + ": " + f.Detail
			}
			out = append(out, f)
		}
	}
	return out
}

func drillFinding(d *app.Drill) app.Finding {
	switch {
	case d == nil:
		return app.Finding{Check: "test restore", Level: app.LevelWarn, Detail: "No test restore has passed yet.", Hint: "Prove it now.", TypedHint: "Run `coditect-sync verify`."}
	case !d.OK:
		return app.Finding{Check: "test restore", Level: app.LevelBad, Detail: d.Problem, Hint: "A new full copy is made by itself; prove it again now.", TypedHint: "A new full copy is made by itself; run `coditect-sync verify` to prove it."}
	}
	return app.Finding{Check: "test restore", Level: app.LevelOK, Detail: fmt.Sprintf("%d rows proved at %s.", d.Rows, d.At.Local().Format("2006-01-02 15:04:05"))}
}

func bad(check string, err error) app.Finding {
	e := app.AsError(check, err)
	return app.Finding{Check: check, Level: app.LevelBad, Detail: e.Message, Hint: e.Hint, TypedHint: e.TypedHint}
}
