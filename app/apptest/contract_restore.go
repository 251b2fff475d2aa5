package apptest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// gone is an ID that no point has.
const gone = "7fffffffffffffff"

// replicates: commits become points by themselves.
func (s *suite) replicates() {
	s.ready()
	first := s.mark(2)
	s.Write(2)
	var line app.Timeline
	s.await("a point for a commit", func(app.Status) bool {
		line = must(s.Service.Points(s.ctx, ""))(s)
		return line.Points[0].ID > first.ID
	})
	s.await("a status that knows of it", func(st app.Status) bool {
		return st.Standalone != nil && st.Standalone.LastReplicatedAt.After(first.Time)
	})
}

func (s *suite) points() {
	st := s.ready()
	first := s.mark(2)
	second := s.mark(3)
	line := must(s.Service.Points(s.ctx, ""))(s)
	if line.Machine != st.MachineID || line.Points[0].ID < second.ID || second.ID <= first.ID {
		s.t.Errorf("timeline of %s begins with %s, want %s then %s", line.Machine, line.Points[0].ID, second.ID, first.ID)
	}
	for i, p := range line.Points {
		if len(p.ID) != 16 || p.Time.IsZero() || p.Size <= 0 || p.Kind == "" {
			s.t.Errorf("point %+v", p)
		}
		if i > 0 && (p.ID >= line.Points[i-1].ID || p.Time.After(line.Points[i-1].Time)) {
			s.t.Errorf("%+v comes after %+v, want newest first", p, line.Points[i-1])
		}
	}
	if oldest := line.Points[len(line.Points)-1]; line.Oldest.After(oldest.Time) {
		s.t.Errorf("goes back to %v only, but there is a point of %v", line.Oldest, oldest.Time)
	}
	byName := must(s.Service.Points(s.ctx, st.MachineID))(s)
	if byName.Machine != line.Machine || len(byName.Points) == 0 {
		s.t.Errorf("by its id: %+v", byName)
	}
	_, err := s.Service.Points(s.ctx, "no-such-machine")
	s.wantError(err, app.CodeNotFound)
}

// bringsRowsBack: rows of a moment come back into the live file, and nothing else is changed.
func (s *suite) bringsRowsBack() {
	s.ready()
	first := s.mark(2)
	few := s.Rows()
	second := s.mark(4)
	must(s.Service.Restore(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: first.ID}}))(s)
	s.wantRows(few)
	req := app.RestoreRequest{Moment: app.Moment{Point: second.ID}, Rows: &app.Choice{}}
	for _, d := range must(s.Service.Preview(s.ctx, app.RestoreRequest{Moment: req.Moment}))(s).Tables {
		if d.Removed > 0 {
			req.Rows.Tables = append(req.Rows.Tables, d.Table)
		}
	}
	plan := must(s.Service.PlanRestore(s.ctx, req))(s)
	if plan.Back == nil || plan.Back.Rows() != 4 || plan.Back.Tables[0].Again != 4 || plan.Point.ID != second.ID {
		s.t.Errorf("plan of rows: %+v %+v", plan, plan.Back)
	}
	s.wantRows(few)
	res := must(s.Service.Restore(s.ctx, req))(s)
	if res.Back == nil || res.Back.Rows() != 4 || res.Rows != 4 || res.Point.ID != second.ID || res.Path != s.DB {
		s.t.Errorf("rows brought back: %+v %+v", res, res.Back)
	}
	s.wantRows(few + 4)
	again := must(s.Service.Restore(s.ctx, req))(s)
	if again.Rows != 0 {
		s.t.Errorf("a second time: %+v", again)
	}
	_, err := s.Service.Restore(s.ctx, app.RestoreRequest{Moment: req.Moment, Rows: &app.Choice{Tables: []string{"no_such"}}})
	s.wantError(err, app.CodeInvalid)
	req.To = filepath.Join(s.Dir, "rows.db")
	_, err = s.Service.Restore(s.ctx, req)
	s.wantError(err, app.CodeInvalid)
	s.wantRows(few + 4)
	if st := s.now(); plan.UndoFor <= 0 || res.Undo == nil || st.Undo == nil || st.Undo.Point.ID != res.Undo.Point.ID || again.Undo != nil {
		s.t.Errorf("the way back: planned %v, %+v, in the status %+v, of nothing %+v", plan.UndoFor, res.Undo, st.Undo, again.Undo)
	}
	must(s.Service.Undo(s.ctx))(s) // of the rows, not of the restore before
	s.wantRows(few)
}

func (s *suite) plan() {
	s.ready()
	first := s.mark(2)
	s.mark(3)
	rows := s.Rows()
	for _, m := range []app.Moment{{}, {Point: first.ID}, {At: first.Time}} {
		plan := must(s.Service.PlanRestore(s.ctx, app.RestoreRequest{Moment: m}))(s)
		if plan.Machine == "" || plan.Objects < 1 || plan.Bytes < 1 || plan.DBBytes < 1 || plan.DiskNeeded < 1 || plan.DiskFree < 1 {
			s.t.Errorf("plan for %+v: %+v", m, plan)
		}
		if m.Point != "" && plan.Point.ID != m.Point {
			s.t.Errorf("plan for point %s goes to %s", m.Point, plan.Point.ID)
		}
		if !m.At.IsZero() && (plan.Point.Time.After(m.At) || plan.Point.ID < first.ID) {
			s.t.Errorf("plan for %v goes to %s of %v, but %s is of that time", m.At, plan.Point.ID, plan.Point.Time, first.ID)
		}
	}
	to := filepath.Join(s.Dir, "planned.db")
	must(s.Service.PlanRestore(s.ctx, app.RestoreRequest{To: to}))(s)
	if _, err := os.Lstat(to); err == nil {
		s.t.Error("a plan wrote the file")
	}
	s.wantRows(rows)
}

// impossible are requests and what they are refused with.
func (s *suite) impossible(first app.RestorePoint) map[string]app.RestoreRequest {
	return map[string]app.RestoreRequest{
		"invalid in the future":     {Moment: app.Moment{At: time.Now().Add(time.Hour)}},
		"invalid time and point":    {Moment: app.Moment{At: first.Time, Point: first.ID}},
		"invalid relative file":     {To: "copy.db"},
		"not_found point gone":      {Moment: app.Moment{Point: gone}},
		"not_found before all":      {Moment: app.Moment{At: first.Time.Add(-24 * time.Hour)}},
		"not_found unknown machine": {Machine: "no-such-machine"},
		"refused existing file":     {To: s.DB},
	}
}

func (s *suite) planRefused() {
	s.ready()
	first := s.mark(2)
	for what, req := range s.impossible(first) {
		code, _, _ := strings.Cut(what, " ")
		_, err := s.Service.PlanRestore(s.ctx, req)
		if app.CodeOf(err) != app.Code(code) {
			s.t.Errorf("%s: code %q (%v)", what, app.CodeOf(err), err)
			continue
		}
		e := s.wantError(err, app.Code(code))
		if strings.HasSuffix(what, "in the future") && !strings.Contains(e.Message, "in the future") {
			s.t.Errorf("%s: the sentence is %q", what, e.Message)
		}
	}
}

func (s *suite) restoreRefused() {
	s.ready()
	first := s.mark(2)
	rows := s.Rows()
	for what, req := range s.impossible(first) {
		if _, err := s.Service.Restore(s.ctx, req); err == nil {
			s.t.Errorf("%s: restored", what)
		}
	}
	s.wantRows(rows)
	s.await("standalone again", func(st app.Status) bool { return st.State == app.StateStandalone && st.Undo == nil })
	s.mark(1) // and it still replicates
}

func (s *suite) restoreTo() {
	s.ready()
	first := s.mark(2)
	old := s.Rows()
	s.mark(3)
	live := s.Rows()
	to := filepath.Join(s.Dir, "copy.db")
	res := must(s.Service.Restore(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: first.ID}, To: to}))(s)
	if res.Path != to || res.Point.ID != first.ID || res.Integrity != "ok" || res.Rows != old || len(res.Tables) == 0 {
		s.t.Errorf("result %+v, want %d rows of %s in %s", res, old, first.ID, to)
	}
	if got := s.RowsOf(to); got != old {
		s.t.Errorf("the copy has %d rows, want %d", got, old)
	}
	s.wantRows(live)
	if st := s.now(); st.Undo != nil {
		s.t.Errorf("a copy can be undone: %+v", st.Undo)
	}
	_, err := s.Service.Restore(s.ctx, app.RestoreRequest{To: to})
	s.wantError(err, app.CodeRefused)
	if got := s.RowsOf(to); got != old {
		s.t.Errorf("a refused restore left the copy with %d rows, want %d", got, old)
	}
}

// restoreLive: there, back, there again, and the history goes on.
func (s *suite) restoreLive() {
	s.ready()
	first := s.mark(2)
	old := s.Rows()
	s.mark(3)
	newer := s.Rows()
	res := must(s.Service.Restore(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: first.ID}}))(s)
	s.checkLive(res, old)
	if res.Point.ID != first.ID || !res.Undo.RestoredTo.Equal(first.Time) || !res.Undo.Until.After(time.Now()) {
		s.t.Errorf("result %+v, undo %+v", res, res.Undo)
	}
	s.await("undo in the status", func(st app.Status) bool { return st.State == app.StateStandalone && st.Undo != nil })
	s.checkLive(must(s.Service.Undo(s.ctx))(s), newer)
	s.checkLive(must(s.Service.Undo(s.ctx))(s), old)
	s.mark(4)
	s.wantRows(old + 4)
	again := must(s.Service.Restore(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: first.ID}}))(s)
	s.checkLive(again, old)
}

func (s *suite) checkLive(res app.RestoreResult, rows int64) {
	s.t.Helper()
	if res.Path != s.DB || res.Integrity != "ok" || !res.Equal || res.Rows != rows {
		s.t.Errorf("result %+v, want %d equal rows in %s", res, rows, s.DB)
	}
	if res.Undo == nil || res.Undo.Point.ID == "" {
		s.t.Fatalf("the restore cannot be undone: %+v", res)
	}
	s.wantRows(rows)
}

// restoreCanceled: a caller that is gone before it begins gets nothing done.
func (s *suite) restoreCanceled() {
	s.ready()
	first := s.mark(2)
	s.mark(1)
	rows := s.Rows()
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err := s.Service.Restore(ctx, app.RestoreRequest{Moment: app.Moment{Point: first.ID}})
	s.wantError(err, app.CodeCanceled)
	s.await("standalone again", func(st app.Status) bool { return st.State == app.StateStandalone })
	s.wantRows(rows)
}

func (s *suite) undoNothing() {
	s.ready()
	s.mark(1)
	_, err := s.Service.Undo(s.ctx)
	s.wantError(err, app.CodeNotFound)
	s.wantRows(s.Rows())
}
