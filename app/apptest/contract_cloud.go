package apptest

import (
	"github.com/coditect-ai/coditect-sync/app"
)

// login: nobody can sign in at a server that is none, and nothing else breaks by trying.
func (s *suite) login() {
	_, err := s.Service.BeginLogin(s.ctx, app.LoginRequest{Server: "ftp://example.com"})
	if e := s.wantError(err, app.CodeInvalid); e.Hint == "" {
		s.t.Error("no way on")
	}
	if l := must(s.Service.LoginState(s.ctx))(s); l.State != app.LoginIdle {
		s.t.Errorf("state %+v", l)
	}
	if err := s.Service.CancelLogin(s.ctx); err != nil {
		s.t.Error(err)
	}
}

// noAccount: what needs an account says so.
func (s *suite) noAccount() {
	asks := map[string]func() error{
		"logout": func() error { _, err := s.Service.Logout(s.ctx, app.LogoutRequest{}); return err },
		"push":   func() error { _, err := s.Service.Push(s.ctx, app.PushRequest{}); return err },
		"plan":   func() error { _, err := s.Service.PlanMove(s.ctx, app.MoveRequest{To: app.ModeCloud}); return err },
		"move":   func() error { _, err := s.Service.Move(s.ctx, app.MoveRequest{To: app.ModeCloud}); return err },
		"prove":  func() error { _, err := s.Service.Prove(s.ctx); return err },
		"rename": func() error { return s.Service.RenameMachine(s.ctx, "m", "desk") },
		"revoke": func() error { return s.Service.RevokeMachine(s.ctx, "m") },
		"share": func() error {
			_, err := s.Service.ShareProject(s.ctx, app.ShareRequest{Project: "p", Visibility: app.VisibleOrg})
			return err
		},
		"readers": func() error { _, err := s.Service.ProjectReaders(s.ctx, "p"); return err },
		"teams":   func() error { _, err := s.Service.Teams(s.ctx); return err },
		"team":    func() error { _, err := s.Service.MakeTeam(s.ctx, "Core"); return err },
		"invite": func() error {
			_, err := s.Service.Invite(s.ctx, app.InviteRequest{Team: "t", Email: "a@x"})
			return err
		},
		"invitations": func() error { _, err := s.Service.Invitations(s.ctx); return err },
		"withdraw":    func() error { return s.Service.Withdraw(s.ctx, app.WithdrawRequest{Team: "t", Person: "a@x"}) },
		"member":      func() error { _, err := s.Service.SetMember(s.ctx, app.MemberRequest{Team: "t"}); return err },
	}
	for name, ask := range asks {
		s.t.Log(name)
		if e := s.wantError(ask(), app.CodeSignedOut); e.Hint == "" {
			s.t.Error("no way on")
		}
	}
}

// lostNothing: lost & found is empty at first, and says of what is not in it that it is not.
func (s *suite) lostNothing() {
	if list := must(s.Service.Lost(s.ctx))(s); len(list) != 0 {
		s.t.Errorf("lost: %+v", list)
	}
	_, err := s.Service.ReapplyLost(s.ctx, "none")
	s.wantError(err, app.CodeNotFound)
	_, err = s.Service.KeepBoth(s.ctx, "none")
	s.wantError(err, app.CodeNotFound)
	s.wantError(s.Service.DiscardLost(s.ctx, "none"), app.CodeNotFound)
}

// noProjects: a file of another kind has none, which is no error; nor is it that none is chosen yet.
func (s *suite) noProjects() {
	if list := must(s.Service.Projects(s.ctx))(s); len(list) != 0 {
		s.t.Errorf("projects: %+v", list)
	}
}
