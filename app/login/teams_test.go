package login_test

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// The answers about people are not those about machines. This server invites nobody.
func askingAboutPeople(t *testing.T, c *cloudtest.Cloud) {
	d := newDesk(t, c)
	_, err := d.Teams(t.Context())
	wantCode(t, err, app.CodeSignedOut)
	d.signIn(t)
	id, err := d.MakeTeam(t.Context(), "Core")
	if err != nil {
		t.Fatal(err)
	}
	me := d.Info().User
	teams, err := d.Teams(t.Context())
	if err != nil || len(teams) != 1 || teams[0].ID != id || len(teams[0].Members) != 1 ||
		teams[0].Members[0] != (app.Member{User: me, Email: d.person.Email, Admin: true, This: true}) {
		t.Errorf("%+v, %v", teams, err)
	}
	_, err = d.MakeTeam(t.Context(), " ")
	wantCode(t, err, app.CodeInvalid)
	_, err = d.Invite(t.Context(), app.InviteRequest{Team: id, Email: "new@lumen.works"})
	if e := wantCode(t, err, app.CodeNotFound); e.Message != "This server does not invite people." {
		t.Error(e)
	}
	err = d.SetMember(t.Context(), app.MemberRequest{Team: id, Person: me, Out: true})
	if e := wantCode(t, err, app.CodeInvalid); e.Message != "A team keeps at least one admin." {
		t.Error(e)
	}
	wantCode(t, d.SetMember(t.Context(), app.MemberRequest{Team: id, Person: "nobody"}), app.CodeNotFound)
	wantCode(t, d.SetMembersWrite(t.Context(), "none", true), app.CodeNotFound)
	_, err = d.Readers(t.Context(), "none")
	wantCode(t, err, app.CodeNotFound)
	if access, err := d.Access(t.Context()); err != nil || len(access) != 0 {
		t.Errorf("%+v, %v", access, err)
	}
}
