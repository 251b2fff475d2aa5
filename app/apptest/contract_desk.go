package apptest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// flush: what is committed when it is asked is at the target when it answers.
func (s *suite) flush() {
	_, err := s.Service.Flush(s.ctx)
	s.wantError(err, app.CodeInvalid)
	s.ready()
	s.mark(1)
	s.Write(3)
	rows := s.Rows()
	point := must(s.Service.Flush(s.ctx))(s)
	to := filepath.Join(s.Dir, "flushed.db")
	must(s.Service.Restore(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: point.ID}, To: to}))(s)
	if got := s.RowsOf(to); got != rows {
		s.t.Errorf("the flushed point has %d rows, the file had %d", got, rows)
	}
}

// preview: it says what a restore would bring back and take away, and does neither.
func (s *suite) preview() {
	s.ready()
	s.Write(2)
	point := s.mark(1)
	then := s.Rows()
	s.Write(5)
	now := s.Rows()
	for _, look := range []string{"first", "second"} {
		p := must(s.Service.Preview(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: point.ID}}))(s)
		var sum app.TableDiff
		for _, d := range p.Tables {
			sum.Then, sum.Now, sum.Added, sum.Removed = sum.Then+d.Then, sum.Now+d.Now, sum.Added+d.Added, sum.Removed+d.Removed
		}
		if p.Plan.Point.ID != point.ID || sum.Then != then || sum.Now != now || sum.Added != 5 || sum.Removed != 0 {
			s.t.Errorf("%s look: plan to %s, %+v; want %s, %d then, %d now, 5 added", look, p.Plan.Point.ID, p.Tables, point.ID, then, now)
		}
	}
	s.wantRows(now)
	_, err := s.Service.Preview(s.ctx, app.RestoreRequest{Moment: app.Moment{At: time.Now().Add(time.Hour)}})
	s.wantError(err, app.CodeInvalid)
	_, err = s.Service.Preview(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: gone}})
	s.wantError(err, app.CodeNotFound)
}

// tryTarget: it uses a target, says what it did, and leaves nothing behind.
func (s *suite) tryTarget() {
	before := s.now()
	trial := must(s.Service.TryTarget(s.ctx, app.SetupRequest{DB: s.DB, Target: s.target()}))(s)
	if trial.Target != s.target() || len(trial.Steps) == 0 || trial.Steps[0].Text == "" || trial.At.IsZero() {
		s.t.Errorf("trial %+v", trial)
	}
	if _, err := os.Lstat(filepath.Join(s.Dir, "target")); !errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("the trial left the folder: %v", err)
	}
	_, err := s.Service.TryTarget(s.ctx, app.SetupRequest{DB: s.DB, Target: FileTarget(filepath.Join(s.Dir, "no", "such"))})
	s.wantError(err, app.CodeNotFound)
	_, err = s.Service.TryTarget(s.ctx, app.SetupRequest{DB: s.DB, Target: "ftp://example.com/x"})
	s.wantError(err, app.CodeInvalid)
	if after := s.now(); after.State != before.State || after.Standalone != nil {
		s.t.Errorf("the trial changed the state: %+v", after)
	}
}

// settings: what a person edits stays edited.
func (s *suite) settings() {
	was := must(s.Service.Settings(s.ctx))(s)
	if was.DefaultDB == "" || was.DefaultTarget == "" || len(was.Retention) == 0 || !was.Notify.Needs {
		s.t.Errorf("settings of a new machine: %+v", was)
	}
	wish := app.Notify{Needs: true, Well: false, Restored: true}
	edited := must(s.Service.EditSettings(s.ctx, app.SettingsEdit{Notify: &wish}))(s)
	again := must(s.Service.Settings(s.ctx))(s)
	if edited.Notify != wish || again.Notify != wish {
		s.t.Errorf("wanted %+v, got %+v and then %+v", wish, edited.Notify, again.Notify)
	}
	s.retention()
	s.ready()
	after := must(s.Service.Settings(s.ctx))(s)
	if after.DB != s.DB || after.Target != s.target() || after.Notify != wish {
		s.t.Errorf("after setup: %+v", after)
	}
}

// retention: it is said before and after, counts at once, and what cannot be kept is refused and changes nothing.
func (s *suite) retention() {
	was := must(s.Service.Settings(s.ctx))(s)
	if was.RetentionWish != "default" {
		s.t.Errorf("the retention of a new machine is %q", was.RetentionWish)
	}
	plan := must(s.Service.PlanRetention(s.ctx, "every hour for 90 days"))(s)
	if len(plan.Now) != 4 || len(plan.Then) != 4 || plan.Then[3] != "every hour for 90 days" || plan.Gone != 0 {
		s.t.Errorf("plan %+v", plan)
	}
	for _, wrong := range []string{"lots", "every hour for 3 days", ""} {
		_, err := s.Service.EditSettings(s.ctx, app.SettingsEdit{Retention: &wrong})
		s.wantError(err, app.CodeInvalid)
	}
	if again := must(s.Service.Settings(s.ctx))(s); again.RetentionWish != was.RetentionWish {
		s.t.Errorf("a plan and refusals made it %q", again.RetentionWish)
	}
	s.keep("every hour for 90 days", plan.Wish)
	s.keep("short", "short")
	s.keep("default", "default")
}

func (s *suite) keep(wish, saved string) {
	edited := must(s.Service.EditSettings(s.ctx, app.SettingsEdit{Retention: &wish}))(s)
	again := must(s.Service.Settings(s.ctx))(s)
	if edited.RetentionWish != saved || again.RetentionWish != saved || len(again.Retention) == 0 {
		s.t.Errorf("kept %q: %+v, then %+v", wish, edited, again)
	}
}

// activity: what happened can be read, newest first.
func (s *suite) activity() {
	s.ready()
	point := s.mark(2)
	must(s.Service.Restore(s.ctx, app.RestoreRequest{Moment: app.Moment{Point: point.ID}}))(s)
	list := must(s.Service.Activity(s.ctx, 0))(s)
	seen := map[app.EventKind]bool{}
	for i, e := range list {
		seen[e.Kind] = true
		if e.Text == "" || e.At.IsZero() || i > 0 && e.At.After(list[i-1].At) {
			s.t.Errorf("event %d: %+v", i, e)
		}
	}
	for _, kind := range []app.EventKind{app.EventSetting, app.EventProof, app.EventRestore} {
		if !seen[kind] {
			s.t.Errorf("nothing of kind %s in %+v", kind, list)
		}
	}
	if one := must(s.Service.Activity(s.ctx, 1))(s); len(one) != 1 || one[0].Text != list[0].Text {
		s.t.Errorf("the newest is %+v, want %+v", one, list[0])
	}
}

func (s *suite) diagnostics() {
	s.ready()
	files := must(s.Service.Diagnostics(s.ctx))(s)
	if files["about.json"] == "" || files["status.json"] == "" {
		s.t.Errorf("the bundle has %v", files)
	}
	for name := range files {
		if strings.ContainsAny(name, "/\\") {
			s.t.Errorf("%q is no name of a file", name)
		}
	}
}
