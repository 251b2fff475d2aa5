package postgres_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

func TestTeamsAreMadeByTheirPeople(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, `INSERT INTO app.tenants VALUES ('acme', 'Acme'), ('other', 'Other');
		INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'ann', 'a@x'), ('acme', 'bob', 'b@x'), ('acme', 'cat', 'c@x'), ('other', 'eve', 'e@x')`)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	ctx := t.Context()
	who := func(tenant, user string) backend.Principal { return backend.Principal{Tenant: tenant, User: user} }
	ann, bob, cat, eve := who("acme", "ann"), who("acme", "bob"), who("acme", "cat"), who("other", "eve")
	core, err := s.MakeTeam(ctx, ann, " Core ")
	if err != nil {
		t.Fatal(err)
	}
	member := func(user string, admin bool) backend.Member { return backend.Member{User: user, Admin: admin} }
	for _, step := range []struct {
		name string
		err  error
		want backend.Code // "" is done
	}{
		{"a stranger puts himself in", s.SetMember(ctx, bob, core, member("bob", true)), backend.Denied},
		{"another tenant's does", s.SetMember(ctx, eve, core, member("eve", true)), backend.NotFound},
		{"the admin puts another tenant's in", s.SetMember(ctx, ann, core, member("eve", false)), backend.NotFound},
		{"the admin puts bob in", s.SetMember(ctx, ann, core, member("bob", false)), ""},
		{"twice", s.SetMember(ctx, ann, core, member("bob", false)), ""},
		{"bob puts cat in", s.SetMember(ctx, bob, core, member("cat", false)), backend.Denied},
		{"bob makes himself admin", s.SetMember(ctx, bob, core, member("bob", true)), backend.Denied},
		{"bob takes ann out", s.RemoveMember(ctx, bob, core, "ann"), backend.Denied},
		{"the last admin leaves", s.RemoveMember(ctx, ann, core, "ann"), backend.Invalid},
		{"the last admin resigns", s.SetMember(ctx, ann, core, member("ann", false)), backend.Invalid},
		{"bob becomes admin", s.SetMember(ctx, ann, core, member("bob", true)), ""},
		{"ann resigns", s.SetMember(ctx, ann, core, member("ann", false)), ""},
		{"and leaves", s.RemoveMember(ctx, ann, core, "ann"), ""},
		{"cat leaves where she is not", s.RemoveMember(ctx, cat, core, "cat"), ""},
		{"no such team", s.SetMember(ctx, ann, "none", member("bob", false)), backend.NotFound},
		{"a NUL", s.SetMember(ctx, ann, "a\x00", member("bob", false)), backend.NotFound},
		{"no name", second(s.MakeTeam(ctx, ann, " ")), backend.Invalid},
		{"nobody makes one", second(s.MakeTeam(ctx, who("acme", "nobody"), "x")), backend.Denied},
	} {
		if step.err == nil && step.want == "" {
			continue
		}
		if step.err == nil || backend.CodeOf(step.err) != step.want {
			t.Errorf("%s: %v", step.name, step.err)
		}
	}
	teams, err := s.Teams(ctx, cat)
	if err != nil || fmt.Sprint(teams) != fmt.Sprintf("[{acme %s Core [{bob true}]}]", core) {
		t.Errorf("%v, %v", teams, err)
	}
	if teams, err := s.Teams(ctx, eve); err != nil || len(teams) != 0 {
		t.Errorf("another tenant sees %v, %v", teams, err)
	}
	people, err := s.People(ctx, bob)
	if err != nil || len(people) != 3 || people[0].Email != "a@x" || slices.ContainsFunc(people, func(u backend.User) bool { return u.Tenant != "acme" }) {
		t.Errorf("%v, %v", people, err)
	}
}

func second(_ string, err error) error { return err }

// Two admins who take each other out at once do not leave a team without any.
func TestATeamKeepsAnAdmin(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, `INSERT INTO app.tenants VALUES ('acme', 'Acme'); INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'ann', 'a@x'), ('acme', 'bob', 'b@x')`)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for range 10 {
		team, err := s.MakeTeam(t.Context(), backend.Principal{Tenant: "acme", User: "ann"}, "x")
		if err == nil {
			err = s.SetMember(t.Context(), backend.Principal{Tenant: "acme", User: "ann"}, team, backend.Member{User: "bob", Admin: true})
		}
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		for who, whom := range map[string]string{"ann": "bob", "bob": "ann"} {
			both.Go(func() { _ = s.RemoveMember(t.Context(), backend.Principal{Tenant: "acme", User: who}, team, whom) })
		}
		both.Wait()
		var admins int
		conn := db.Connect(t, "postgres")
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM app.memberships WHERE team_id = $1 AND role = 'admin'", team).Scan(&admins); err != nil || admins != 1 {
			t.Fatalf("%d admins, %v", admins, err)
		}
	}
}

// What runs with more rights than its caller is not everybody's to call.
func TestPowerfulFunctionsAreNotPublic(t *testing.T) {
	conn := pgtest.New(t).Connect(t, "postgres")
	open := lines(t, conn, `SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.prosecdef AND p.prorettype <> 'trigger'::regtype AND p.pronamespace = 'app'::regnamespace
			AND has_function_privilege('powersync', p.oid, 'EXECUTE') ORDER BY 1`)
	if want := []string{"app.is_free(text)"}; !slices.Equal(open, want) { // which tells the caller about himself
		t.Errorf("open to all are %q, want %q", open, want)
	}
}
