package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

// restoreFlags are what was typed.
type restoreFlags struct {
	latest, dryRun, yes    bool
	preview                bool
	takeOver, branch       bool
	at, point, machine, to string
	from                   string
	tables, ids            []string
	where, keyFile         string
}

const restoreLong = `Bring back a moment: into the live file, where every program sees it at once, or with --to into a new file.

TIME is 2026-11-20T14:02:05.5+01:00, "2026-11-20 14:02:05" (local time, also without seconds or with fractions of one),
"14:02", "today 14:02", "yesterday 14:02", "Fri 14:02", or an age such as 2h, 90m, 3d. The newest point at or before it
is restored. Without a moment it is the newest one.

With --table only rows of that table come back, as ordinary changes: those that are gone and those that changed since. Rows
that are new since stay. --id and --where choose some of them; the id of a blob is X'00FF'.

Before another machine's history comes into the live file, that moment is fetched and held against the file: how many rows of
each table it brings back, changes back and takes away. --preview does the same with this machine's own.

The state before a restore into the live file is kept for 30 days: coditect-sync undo. If a restore fails, every row is
as it was.`

func (p *program) restoreVerb() *cobra.Command {
	var f restoreFlags
	c := p.readingVerb("restore", "Bring back a moment", func(ctx context.Context) error { return p.restore(ctx, f) })
	c.Long = restoreLong
	c.Flags().BoolVar(&f.latest, "latest", false, "the newest moment (the default)")
	p.word(c, &f.at, "at", "the newest moment at or before this `TIME`")
	p.word(c, &f.point, "point", "the point with this `ID` (see points)")
	p.word(c, &f.machine, "machine", "`NAME` or id of another machine (see machines)")
	p.word(c, &f.to, "to", "write to this new `FILE` instead of the live one")
	p.word(c, &f.from, "from", "`URL` of the one of several storages to read (the best one otherwise)")
	c.Flags().StringArrayVar(&f.tables, "table", nil, "bring back only rows of this `TABLE`; may be repeated")
	c.Flags().StringArrayVar(&f.ids, "id", nil, "with --table: only the row with this `ID`; may be repeated")
	p.word(c, &f.where, "where", "with --table: only rows that meet this `CONDITION` in SQL, as they were then")
	c.Flags().BoolVar(&f.takeOver, "take-over", false, "with --machine: go on with its history, which it then stops writing")
	c.Flags().BoolVar(&f.branch, "branch", false, "with --machine: go on beside its history (the default)")
	c.Flags().BoolVar(&f.preview, "preview", false, "say first what differs from the live file, per table (always with --machine)")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "only say what it would do")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	p.word(c, &f.keyFile, "key-file", "`FILE` of the recovery key of encrypted copies, where the keychain lost it; - for stdin")
	p.completes(c, "point", p.pointIDs)
	p.completes(c, "machine", p.machineIDs)
	return c
}

func (p *program) restore(ctx context.Context, f restoreFlags) error {
	req, err := p.restoreRequest(f)
	if err != nil {
		return err
	}
	if f.keyFile != "" {
		if req.Key, err = p.readKey("restore", f.keyFile); err != nil {
			return err
		}
	}
	if needs := req.To == "" && !f.dryRun && !f.yes; needs && !p.canAsk() {
		if req.Rows != nil {
			return needsYes("restore", "Rows are brought back into the live file.")
		}
		return needsYes("restore", "A restore into the live file replaces what is in it.")
	}
	return p.with(ctx, anyhow, func(s *session) error {
		plan, err := p.planOf(ctx, s, &req)
		if err != nil && ctx.Err() != nil {
			return app.Errorf(app.CodeCanceled, "restore", "Canceled. Nothing was changed.").Wrap(err)
		} else if err != nil {
			return err
		}
		if f.dryRun {
			return p.foresee(ctx, s, req, plan, f)
		}
		if plan.Back != nil && plan.Back.Rows() == 0 {
			return p.nothingBack(plan)
		}
		if req.To == "" && (!f.yes || f.preview) {
			if err := p.agreed(ctx, s, req, plan, f); err != nil {
				return err
			}
		}
		if req.To == "" && !f.yes {
			if plan.Writer != nil && !f.branch && !f.takeOver {
				if req.TakeOver, err = p.askTakeOver(ctx, *plan.Writer); err != nil {
					return err
				}
			}
		}
		// The plan's point, so that what was agreed to is what happens.
		req.Moment, req.Machine = app.Moment{Point: plan.Point.ID}, plan.Machine
		return p.doRestore(ctx, s, req)
	})
}

// askTakeOver asks with which history the file goes on, where another machine writes the one it comes from.
func (p *program) askTakeOver(ctx context.Context, w app.Primary) (bool, error) {
	p.err.line(plain.of("%s writes that history, since %s.", w.Host, moment(w.Since, p.now())))
	answer, err := p.ask(ctx, "Take over from it, or branch: a history of its own beside it?", "branch")
	if err != nil {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "branch":
		return false, nil
	case "take over", "take-over":
		return true, nil
	}
	return false, app.Errorf(app.CodeCanceled, "restore", "Nothing was changed.")
}

func (p *program) agreed(ctx context.Context, s *session, req app.RestoreRequest, plan app.RestorePlan, f restoreFlags) error {
	if err := p.tellPlan(ctx, p.err, s, req, plan); err != nil {
		return err
	}
	if plan.Back != nil {
		return p.confirm(ctx, "restore", "Bring back "+count(plan.Back.Rows(), "row")+"?")
	}
	tables, err := p.differences(ctx, s, req, plan, f)
	if err != nil {
		return err
	}
	tellDifferences(p.err, tables)
	if f.yes {
		return nil
	}
	return p.confirm(ctx, "restore", "Restore to "+moment(plan.Point.Time, p.now())+"?")
}

// restoreRequest checks what was typed before anything is asked of an agent.
func (p *program) restoreRequest(f restoreFlags) (app.RestoreRequest, error) {
	from, err := targetURL(f.from)
	if err != nil {
		return app.RestoreRequest{}, err
	}
	req := app.RestoreRequest{Machine: f.machine, Moment: app.Moment{Point: f.point}, Target: from}
	said := 0
	for _, is := range []bool{f.latest, f.at != "", f.point != ""} {
		if is {
			said++
		}
	}
	if said > 1 {
		return req, app.Errorf(app.CodeInvalid, "restore", "--latest, --at and --point each name a moment.").WithHint("Use one of them.")
	}
	if f.takeOver && f.branch {
		return req, app.Errorf(app.CodeInvalid, "restore", "Taking over and branching were both asked for.").WithHint("Choose one of them.")
	}
	req.TakeOver = f.takeOver
	if f.at != "" {
		at, err := parseTime("restore", f.at, p.now())
		if err != nil {
			return req, err
		}
		if at.After(p.now()) {
			return req, app.Errorf(app.CodeInvalid, "restore", "%s is in the future.", f.at).
				WithHint("Choose a moment that has passed; `coditect-sync points` lists them.")
		}
		req.At = at
	}
	to, err := absoluteOrEmpty(f.to)
	if err != nil {
		return req, err
	}
	req.To = to
	if req.Rows, err = f.rows(); err != nil {
		return req, err
	}
	if f.preview && (to != "" || req.Rows != nil) {
		return req, app.Errorf(app.CodeInvalid, "restore", "--preview is of a restore of the whole live file.").WithHint("Leave it out, or --to and --table.")
	}
	return req, newFile(to)
}

// rows are those that were chosen; nil for the whole file.
func (f restoreFlags) rows() (*app.Choice, error) {
	narrow := len(f.ids) > 0 || f.where != ""
	switch {
	case len(f.tables) == 0 && !narrow:
		return nil, nil
	case len(f.tables) == 0:
		return nil, app.Errorf(app.CodeInvalid, "restore", "--id and --where choose rows of a table.").WithHint("Add --table NAME.")
	case narrow && len(f.tables) > 1:
		return nil, app.Errorf(app.CodeInvalid, "restore", "--id and --where choose rows of one table.").WithHint("Bring back the tables one by one.")
	case len(f.ids) > 0 && f.where != "":
		return nil, app.Errorf(app.CodeInvalid, "restore", "--id and --where both choose rows.").WithHint("Use one of them.")
	case f.to != "":
		return nil, app.Errorf(app.CodeInvalid, "restore", "--table brings rows back into the live file; --to writes a new file.").WithHint("Use one of them.")
	}
	return &app.Choice{Tables: f.tables, IDs: f.ids, Where: f.where}, nil
}

// newFile refuses a file that is there already.
func newFile(path string) error {
	if path == "" {
		return nil
	}
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return app.Errorf(app.CodeRefused, "restore", "%s exists already.", path).WithHint("Choose another name; nothing is overwritten.")
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return app.Errorf(app.CodeDenied, "restore", "%s cannot be looked at.", path).
		WithHint("Name a file in a folder that you may read and write.").Wrap(err)
}

// planOf asks which machine is meant where that is not clear, and somebody can answer.
func (p *program) planOf(ctx context.Context, s *session, req *app.RestoreRequest) (app.RestorePlan, error) {
	plan, err := s.PlanRestore(ctx, *req)
	if req.Key == "" && needsKey(err) && p.canAsk() {
		if req.Key, err = p.askKey(ctx, app.AsError("restore", err)); err != nil {
			return plan, err
		}
		return p.planOf(ctx, s, req)
	}
	if app.CodeOf(err) != app.CodeInvalid || req.Machine != "" || req.Point != "" || !p.canAsk() {
		return plan, err
	}
	list, listErr := s.Machines(ctx)
	if listErr != nil || len(list) < 2 {
		return plan, err
	}
	p.err.line(strong.of("Several machines keep copies here."))
	p.machineTable(p.err, list)
	if req.Machine, err = p.ask(ctx, "Which one, by its name or id?", ""); err != nil {
		return plan, err
	}
	return s.PlanRestore(ctx, *req)
}

func (p *program) doRestore(ctx context.Context, s *session, req app.RestoreRequest) error {
	if req.Rows != nil {
		return p.bringBack(ctx, s, req)
	}
	err := p.replacing(ctx, s, "restore", req.To == "", func() (app.RestoreResult, error) { return s.Restore(ctx, req) })
	if app.CodeOf(err) == app.CodeCanceled && req.To != "" && newFile(req.To) != nil {
		return app.Errorf(app.CodeCanceled, "restore", "%s was already written when you stopped it.", req.To)
	}
	return err
}

// replacing runs a restore or an undo, shows its progress and tells the result.
func (p *program) replacing(ctx context.Context, s *session, op string, live bool, do func() (app.RestoreResult, error)) error {
	before, err := s.Status(ctx)
	if err != nil {
		return err
	}
	var res app.RestoreResult
	err = p.following(ctx, s, func() (err error) {
		res, err = do()
		return err
	})
	if ctx.Err() != nil && err != nil {
		return p.interrupted(ctx, s, op, before.Undo)
	}
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(res)
		return nil
	}
	p.tellRestored(res, live)
	return nil
}

// settleWithin is how long a canceled restore may take to put things in order.
const settleWithin = 30 * time.Second

// interrupted says what a canceled restore left behind. It waits until the agent is done with it, because the last
// moment to cancel may have passed.
func (p *program) interrupted(ctx context.Context, s *session, op string, undo *app.UndoPoint) error {
	unknown := app.Errorf(app.CodeCanceled, op, "Canceled. The agent has not said yet how it ended.").WithHint("`coditect-sync status` shows it.")
	st, err := settled(ctx, s)
	switch {
	case err != nil:
		return unknown.Wrap(err)
	case isNew(st.Undo, undo):
		return app.Errorf(app.CodeCanceled, op, "It was already restored to %s when you stopped it.", moment(st.Undo.RestoredTo, p.now())).
			WithHint("`coditect-sync undo` goes back.")
	}
	return app.Errorf(app.CodeCanceled, op, "Canceled. Nothing was restored; every row is as it was.").
		WithHint("What was fetched stays for a week: the same restore goes on with it, another one removes it.")
}

// settled is the status once the agent is done with a restore that was canceled.
func settled(ctx context.Context, s *session) (app.Status, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	st, err := s.Status(ctx)
	for err == nil && (st.State == app.StateRestoring || restoring(st.Progress)) {
		st, err = s.Watch(ctx, st.Rev)
	}
	return st, err
}

// isNew tells that there is an undo that was not there before.
func isNew(undo, before *app.UndoPoint) bool {
	return undo != nil && (before == nil || !before.RestoredAt.Equal(undo.RestoredAt))
}

// restoring tells that a progress belongs to a restore.
func restoring(pr *app.Progress) bool {
	if pr == nil {
		return false
	}
	return slices.Contains([]app.Phase{app.PhaseFetch, app.PhaseCheck, app.PhaseReplace, app.PhaseFlush}, pr.Phase)
}
