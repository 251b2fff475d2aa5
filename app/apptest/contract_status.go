package apptest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// standalone and off are wishes that can be pointed to.
var (
	standaloneMode = app.ModeStandalone
	offMode        = app.ModeOff
)

func (s *suite) status() {
	st := s.now()
	if st.Version == "" || st.MachineID == "" || st.Machine == "" || st.Rev == 0 || st.Summary == "" {
		s.t.Errorf("a first status lacks version, machine id, machine, rev or summary: %+v", st)
	}
	if st.State != app.StateNew || st.Healthy {
		s.t.Errorf("never set up: state %s, healthy %v", st.State, st.Healthy)
	}
	if next := s.now(); next.MachineID != st.MachineID || next.Version != st.Version || next.Rev < st.Rev {
		s.t.Errorf("the second status is of another agent: %+v after %+v", next, st)
	}
}

func (s *suite) watch() {
	first := must(s.Service.Watch(s.ctx, 0))(s)
	first = s.still(first)
	type answer struct {
		st  app.Status
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		st, err := s.Service.Watch(s.ctx, first.Rev)
		answers <- answer{st, err}
	}()
	must(s.Service.EditPrefs(s.ctx, app.PrefsEdit{Mode: &offMode}))(s)
	got := <-answers
	if got.err != nil || got.st.Rev <= first.Rev {
		s.t.Fatalf("after a change Watch returned rev %d, %v; want more than %d", got.st.Rev, got.err, first.Rev)
	}
	old := must(s.Service.Watch(s.ctx, first.Rev))(s)
	if old.Rev <= first.Rev {
		s.t.Errorf("Watch of an old revision returned %d, want more than %d", old.Rev, first.Rev)
	}
}

// still returns the newest status of a service that has nothing to do.
func (s *suite) still(st app.Status) app.Status {
	for {
		ctx, cancel := context.WithTimeout(s.ctx, 50*time.Millisecond)
		next, err := s.Service.Watch(ctx, st.Rev)
		cancel()
		if err != nil {
			return st
		}
		s.wantNews(next, st)
		st = next
	}
}

// wantNews ends the test when Watch shows what was seen before: the suite would ask it for ever.
func (s *suite) wantNews(next, seen app.Status) {
	s.t.Helper()
	if next.Rev <= seen.Rev {
		s.t.Fatalf("watching from %d showed %d", seen.Rev, next.Rev)
	}
}

func (s *suite) watchEnds() {
	st := s.still(s.now())
	ctx, cancel := context.WithCancelCause(s.ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := s.Service.Watch(ctx, st.Rev)
		ended <- err
	}()
	cancel(context.Canceled)
	err := <-ended
	if s.wantError(err, app.CodeCanceled); !errors.Is(err, context.Canceled) {
		s.t.Errorf("the error does not say why it ended: %v", err)
	}
}

// watchMany: every watcher sees revisions grow, and all see the last one.
func (s *suite) watchMany() {
	s.ready()
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithTimeout(s.ctx, s.Patience)
	for range 4 {
		all.Go(func() { s.follow(ctx) })
	}
	for range 5 {
		until := time.Now().Add(time.Hour)
		must(s.Service.EditPrefs(ctx, app.PrefsEdit{PausedUntil: &until}))(s)
		must(s.Service.EditPrefs(ctx, app.PrefsEdit{PausedUntil: &time.Time{}}))(s)
	}
	must(s.Service.EditPrefs(ctx, app.PrefsEdit{Mode: &offMode}))(s)
	all.Wait()
	cancel()
}

func (s *suite) follow(ctx context.Context) {
	var rev uint64
	for {
		st, err := s.Service.Watch(ctx, rev)
		if err != nil {
			s.t.Errorf("watching from %d: %v", rev, err)
			return
		}
		if st.Rev <= rev {
			s.t.Errorf("watching from %d showed %d", rev, st.Rev)
			return
		}
		if rev = st.Rev; st.State == app.StateOff {
			return
		}
	}
}

func (s *suite) mode() {
	before := s.ready()
	for _, step := range []struct {
		mode  *app.Mode
		state app.State
	}{{&offMode, app.StateOff}, {&standaloneMode, app.StateStandalone}, {&offMode, app.StateOff}} {
		st := must(s.Service.EditPrefs(s.ctx, app.PrefsEdit{Mode: step.mode}))(s)
		if st.State != step.state || st.Mode != *step.mode || st.Rev <= before.Rev {
			s.t.Fatalf("mode %s: state %s, mode %s, rev %d after %d", *step.mode, st.State, st.Mode, st.Rev, before.Rev)
		}
		if st.State == app.StateOff && st.Healthy {
			s.t.Error("off is shown as healthy")
		}
		before = st
	}
	if st := must(s.Service.EditPrefs(s.ctx, app.PrefsEdit{}))(s); st.State != app.StateOff {
		s.t.Errorf("an edit of nothing made the state %s", st.State)
	}
}

func (s *suite) modeWrong() {
	before := s.still(s.ready())
	for _, wrong := range []app.Mode{"sideways", ""} {
		_, err := s.Service.EditPrefs(s.ctx, app.PrefsEdit{Mode: &wrong})
		s.wantError(err, app.CodeInvalid)
	}
	if st := s.now(); st.State != before.State || st.Mode != before.Mode {
		s.t.Errorf("a refused edit changed %s/%s to %s/%s", before.Mode, before.State, st.Mode, st.State)
	}
}

func (s *suite) pause() {
	s.ready()
	hour, resumed := time.Now().Add(time.Hour).Truncate(time.Second), time.Time{}
	for _, until := range []time.Time{hour, app.UntilResumed} {
		st := must(s.Service.EditPrefs(s.ctx, app.PrefsEdit{PausedUntil: &until}))(s)
		if st.State != app.StatePaused || !st.PausedUntil.Equal(until) || st.Mode != app.ModeStandalone {
			s.t.Fatalf("paused until %v: state %s, mode %s, until %v, error %v", until, st.State, st.Mode, st.PausedUntil, st.Error)
		}
	}
	off := must(s.Service.EditPrefs(s.ctx, app.PrefsEdit{Mode: &offMode}))(s)
	if off.State != app.StateOff {
		s.t.Errorf("off while paused: state %s", off.State)
	}
	st := must(s.Service.EditPrefs(s.ctx, app.PrefsEdit{Mode: &standaloneMode, PausedUntil: &resumed}))(s)
	if st.State != app.StateStandalone || !st.PausedUntil.IsZero() {
		s.t.Errorf("resumed: state %s, until %v", st.State, st.PausedUntil)
	}
}
