package postgres_test

import (
	"fmt"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

// Who sees a project is told to those who do, and only its owner says whether the others write.
func TestReadersOfAProject(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, `INSERT INTO app.tenants VALUES ('acme', 'Acme'), ('other', 'Other');
		INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'zoe', 'z@x'), ('acme', 'bob', 'b@x'), ('acme', 'cat', 'c@x'), ('other', 'zoe', 'e@x');
		INSERT INTO app.teams (tenant_id, id, name) VALUES ('acme', 'core', 'Core');
		INSERT INTO app.memberships (tenant_id, team_id, user_id, role) VALUES ('acme', 'core', 'zoe', 'admin'), ('acme', 'core', 'bob', 'member');
		INSERT INTO app.projects (tenant_id, id, user_id, team_id, visibility, name) VALUES ('acme', 'p1', 'zoe', 'core', 'team', 'Plans'),
			('acme', 'p2', 'cat', NULL, 'private', 'Own');
		INSERT INTO app.machines (tenant_id, id, user_id, name, last_seen_at, revoked_at) VALUES ('acme', 'm1', 'zoe', 'studio', NULL, NULL),
			('acme', 'm2', 'zoe', 'laptop', now(), NULL), ('acme', 'm3', 'zoe', 'stolen', now(), now()), ('acme', 'm4', 'cat', 'cats', now(), NULL),
			('other', 'm1', 'zoe', 'elsewhere', now(), NULL)`)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	who := func(tenant, user string) backend.Principal { return backend.Principal{Tenant: tenant, User: user} }
	zoe, bob, cat, eve := who("acme", "zoe"), who("acme", "bob"), who("acme", "cat"), who("other", "zoe")
	readers := func(p backend.Principal, want string) {
		t.Helper()
		list, err := s.Readers(t.Context(), p, "p1")
		if said := fmt.Sprint(list); said != want || want == "[]" && backend.CodeOf(err) != backend.NotFound {
			t.Errorf("%s sees %s, %v; want %s", p.User, said, err, want)
		}
	}
	for _, p := range []backend.Principal{zoe, bob} {
		readers(p, "[{zoe z@x  true true [laptop studio]} {bob b@x  false true []}]")
	}
	for _, p := range []backend.Principal{cat, eve} {
		readers(p, "[]")
		if err := s.SetMembersWrite(t.Context(), p, "p1", false); backend.CodeOf(err) != backend.NotFound {
			t.Errorf("a stranger: %v", err)
		}
	}
	if err := s.SetMembersWrite(t.Context(), bob, "p1", false); backend.CodeOf(err) != backend.Denied {
		t.Errorf("a member: %v", err)
	}
	if _, err := s.Readers(t.Context(), zoe, "p\x00"); backend.CodeOf(err) != backend.NotFound {
		t.Errorf("a NUL: %v", err)
	}
	if err := s.SetMembersWrite(t.Context(), zoe, "p1", false); err != nil {
		t.Error(err)
	}
	readers(bob, "[{zoe z@x  true true [laptop studio]} {bob b@x  false false []}]")
	list, err := s.Projects(t.Context(), bob)
	if err != nil || fmt.Sprint(list) != "[{p1 false false}]" {
		t.Errorf("%v, %v", list, err)
	}
	if list, err = s.Projects(t.Context(), cat); err != nil || fmt.Sprint(list) != "[{p2 true true}]" {
		t.Errorf("%v, %v", list, err)
	}
}
