package apptest

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// FakeSharing is the projects and teams of FakeCloud. It lies in this: where a field is nil the file has no projects, and
// everything that needs an account says that there is none.
type FakeSharing struct {
	ProjectsFunc       func(context.Context) ([]app.Project, error)
	ShareProjectFunc   func(context.Context, app.ShareRequest) (app.Project, error)
	ProjectReadersFunc func(context.Context, string) ([]app.Reader, error)
	TeamsFunc          func(context.Context) ([]app.Team, error)
	MakeTeamFunc       func(context.Context, string) (app.Team, error)
	InviteFunc         func(context.Context, app.InviteRequest) (app.Invited, error)
	InvitationsFunc    func(context.Context) ([]app.Invitation, error)
	WithdrawFunc       func(context.Context, app.WithdrawRequest) error
	SetMemberFunc      func(context.Context, app.MemberRequest) (app.Team, error)
}

// Projects implements app.Sharer.
func (f *FakeSharing) Projects(ctx context.Context) ([]app.Project, error) {
	if f.ProjectsFunc != nil {
		return f.ProjectsFunc(ctx)
	}
	return nil, nil
}

// ShareProject implements app.Sharer.
func (f *FakeSharing) ShareProject(ctx context.Context, req app.ShareRequest) (app.Project, error) {
	if f.ShareProjectFunc != nil {
		return f.ShareProjectFunc(ctx, req)
	}
	return app.Project{}, noAccount()
}

// ProjectReaders implements app.Sharer.
func (f *FakeSharing) ProjectReaders(ctx context.Context, project string) ([]app.Reader, error) {
	if f.ProjectReadersFunc != nil {
		return f.ProjectReadersFunc(ctx, project)
	}
	return nil, noAccount()
}

// Teams implements app.Convener.
func (f *FakeSharing) Teams(ctx context.Context) ([]app.Team, error) {
	if f.TeamsFunc != nil {
		return f.TeamsFunc(ctx)
	}
	return nil, noAccount()
}

// MakeTeam implements app.Convener.
func (f *FakeSharing) MakeTeam(ctx context.Context, name string) (app.Team, error) {
	if f.MakeTeamFunc != nil {
		return f.MakeTeamFunc(ctx, name)
	}
	return app.Team{}, noAccount()
}

// Invite implements app.Convener.
func (f *FakeSharing) Invite(ctx context.Context, req app.InviteRequest) (app.Invited, error) {
	if f.InviteFunc != nil {
		return f.InviteFunc(ctx, req)
	}
	return app.Invited{}, noAccount()
}

// Invitations implements app.Convener.
func (f *FakeSharing) Invitations(ctx context.Context) ([]app.Invitation, error) {
	if f.InvitationsFunc != nil {
		return f.InvitationsFunc(ctx)
	}
	return nil, noAccount()
}

// Withdraw implements app.Convener.
func (f *FakeSharing) Withdraw(ctx context.Context, req app.WithdrawRequest) error {
	if f.WithdrawFunc != nil {
		return f.WithdrawFunc(ctx, req)
	}
	return noAccount()
}

// SetMember implements app.Convener.
func (f *FakeSharing) SetMember(ctx context.Context, req app.MemberRequest) (app.Team, error) {
	if f.SetMemberFunc != nil {
		return f.SetMemberFunc(ctx, req)
	}
	return app.Team{}, noAccount()
}
