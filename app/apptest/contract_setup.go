package apptest

import (
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
)

// notSetUp: what needs a target says so and does nothing.
func (s *suite) notSetUp() {
	_, err := s.Service.Points(s.ctx, "")
	s.wantError(err, app.CodeInvalid)
	_, err = s.Service.PlanRestore(s.ctx, app.RestoreRequest{})
	s.wantError(err, app.CodeInvalid)
	_, err = s.Service.Verify(s.ctx)
	if e := s.wantError(err, app.CodeInvalid); e.Hint == "" {
		s.t.Error("verify without a target gives no hint")
	}
	if st := s.now(); st.State != app.StateNew {
		s.t.Errorf("questions changed the state to %s", st.State)
	}
}

func (s *suite) setup() {
	res := must(s.Service.Setup(s.ctx, app.SetupRequest{DB: s.DB, Target: s.target()}))(s)
	if res.DB != s.DB || res.Target != s.target() || res.User == "" || len(res.Steps) == 0 {
		s.t.Errorf("setup says %+v", res)
	}
	if res.Status.Mode != app.ModeStandalone {
		s.t.Errorf("after setup the mode is %q", res.Status.Mode)
	}
	st := s.await("a passed drill", func(st app.Status) bool {
		return st.Standalone != nil && st.Standalone.LastDrill != nil
	})
	if !st.Standalone.LastDrill.OK || st.Standalone.Target != s.target() || st.DB.Path != s.DB {
		s.t.Errorf("after setup: %+v %+v", st.Standalone, st.DB)
	}
	s.await("healthy", func(st app.Status) bool { return st.Healthy })
}

func (s *suite) setupRefused() {
	before := s.still(s.now())
	for _, c := range []struct {
		what string
		req  app.SetupRequest
		code app.Code
	}{
		{"unknown scheme", app.SetupRequest{DB: s.DB, Target: "ftp://example.com/x"}, app.CodeInvalid},
		{"no scheme", app.SetupRequest{DB: s.DB, Target: "somewhere"}, app.CodeInvalid},
		{"folder above missing", app.SetupRequest{DB: s.DB, Target: FileTarget(filepath.Join(s.Dir, "no", "such"))}, app.CodeNotFound},
		{"relative file", app.SetupRequest{DB: "context.db", Target: s.target()}, app.CodeInvalid},
	} {
		_, err := s.Service.Setup(s.ctx, c.req)
		if got := app.CodeOf(err); got != c.code {
			s.t.Errorf("%s: code %q (%v), want %s", c.what, got, err, c.code)
			continue
		}
		s.wantError(err, c.code)
	}
	if st := s.now(); st.State != before.State || st.Mode != before.Mode || st.DB.Path != before.DB.Path {
		s.t.Errorf("a refused setup changed %+v to %+v", before, st)
	}
	s.ready() // and nothing is in the way of a good one
}

// setupAgain: what is not named stays, and a bad second setup leaves the first in force.
func (s *suite) setupAgain() {
	s.ready()
	res := must(s.Service.Setup(s.ctx, app.SetupRequest{}))(s)
	if res.DB != s.DB || res.Target != s.target() {
		s.t.Errorf("setup of nothing set %s and %s", res.DB, res.Target)
	}
	_, err := s.Service.Setup(s.ctx, app.SetupRequest{Target: "ftp://example.com/x"})
	s.wantError(err, app.CodeInvalid)
	st := s.await("standalone", func(st app.Status) bool { return st.State == app.StateStandalone && st.Standalone != nil })
	if st.Standalone.Target != s.target() || st.DB.Path != s.DB {
		s.t.Errorf("a refused setup moved it to %s and %s", st.Standalone.Target, st.DB.Path)
	}
}

func (s *suite) verify() {
	s.ready()
	s.Write(3)
	d := must(s.Service.Verify(s.ctx))(s)
	if !d.OK || d.Rows != s.Rows() || len(d.TXID) != 16 || d.At.IsZero() || len(d.Tables) == 0 {
		s.t.Errorf("drill %+v, want OK with %d rows", d, s.Rows())
	}
	s.await("the drill in the status", func(st app.Status) bool {
		return st.Standalone != nil && st.Standalone.LastDrill != nil && st.Standalone.LastDrill.TXID >= d.TXID
	})
}

func (s *suite) machines() {
	st := s.ready()
	s.mark(1)
	list := must(s.Service.Machines(s.ctx))(s)
	if len(list) != 1 || list[0].ID != st.MachineID || !list[0].This || list[0].User == "" || list[0].Host == "" {
		s.t.Errorf("machines %+v, want this one (%s)", list, st.MachineID)
	}
}

func (s *suite) doctor() {
	for range 2 {
		list := must(s.Service.Doctor(s.ctx))(s)
		if len(list) == 0 {
			s.t.Fatal("the doctor has looked at nothing")
		}
		for _, f := range list {
			known := f.Level == app.LevelOK || f.Level == app.LevelWarn || f.Level == app.LevelBad
			if f.Check == "" || f.Detail == "" || !known {
				s.t.Errorf("finding %+v", f)
			}
		}
		s.ready() // it looks without a target, and with one
	}
}

func (s *suite) quit() {
	s.ready()
	s.Write(1)
	if err := s.Service.Quit(s.ctx); err != nil {
		s.t.Fatalf("quit: %v", err)
	}
	select {
	case <-s.Done:
	case <-s.ctx.Done():
		s.t.Fatal("after Quit the service goes on")
	}
}
