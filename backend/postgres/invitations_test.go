package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

// inviting is two organisations with a team of the same id each: ann and bob look after acme's, cat is in it, dan after another
// one, and eve after evil's.
func inviting(t *testing.T) (*pgtest.DB, *postgres.Store) {
	t.Helper()
	db := pgtest.New(t)
	db.Exec(t, `INSERT INTO app.tenants VALUES ('acme', 'Acme'), ('evil', 'Evil');
		INSERT INTO app.users (tenant_id, id, email, name) SELECT 'acme', u, u || '@acme', upper(u) FROM unnest('{ann,bob,cat,dan,out}'::text[]) u;
		UPDATE app.users SET disabled_at = now() WHERE id = 'out';
		INSERT INTO app.users (tenant_id, id, email) VALUES ('evil', 'eve', 'e@evil'), ('evil', 'ann', 'a@evil');
		INSERT INTO app.teams (tenant_id, id, name) VALUES ('acme', 'core', 'Core'), ('acme', 'docs', 'Docs'), ('evil', 'core', 'Core');
		INSERT INTO app.memberships (tenant_id, team_id, user_id, role) VALUES ('acme', 'core', 'ann', 'admin'), ('acme', 'core', 'bob', 'admin'),
			('acme', 'core', 'out', 'admin'), ('acme', 'core', 'cat', 'member'), ('acme', 'docs', 'dan', 'admin'), ('evil', 'core', 'eve', 'admin'), ('evil', 'core', 'ann', 'member')`)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return db, s
}

func as(tenant, user string) backend.Principal { return backend.Principal{Tenant: tenant, User: user} }

// invites has an admin invite somebody, and returns the person's id.
func invites(t *testing.T, db *pgtest.DB, s *postgres.Store, by backend.Principal, team, email string) (id string) {
	t.Helper()
	until := time.Now().Add(7 * 24 * time.Hour)
	said, err := s.Invite(t.Context(), by, backend.Invitation{Email: email, Team: team}, []byte(email+team), until)
	if err != nil || said != "invited" {
		t.Fatalf("%q, %v", said, err)
	}
	if err := db.Connect(t, "postgres").QueryRow(t.Context(), "SELECT id FROM app.users WHERE email = $1", email).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestOnlyAdminsSeeWhoIsInvited: who is invited into a team is shown to those who look after it, with the time and without the link.
func TestOnlyAdminsSeeWhoIsInvited(t *testing.T) {
	db, s := inviting(t)
	lin := invites(t, db, s, as("acme", "ann"), "core", "lin@acme")
	invites(t, db, s, as("evil", "eve"), "core", "mal@evil")
	db.Exec(t, `INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'old', 'old@acme'); INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ('acme', 'core', 'old');
		INSERT INTO identity.letters (digest, kind, tenant_id, user_id, expires_at) VALUES ('operator', 'invitation', 'acme', 'old', now() + interval '1 day')`)
	for who, want := range map[backend.Principal]string{
		as("acme", "ann"): "lin@acme by ANN", as("acme", "bob"): "lin@acme by ANN", as("acme", "cat"): "", as("acme", "dan"): "", as("acme", "out"): "",
		as("acme", "nobody"): "", as("evil", "eve"): "mal@evil by e@evil", as("evil", "ann"): "", as("", ""): "", as("acme", ""): "",
	} {
		found, err := s.Pending(t.Context(), who)
		if who.Tenant == "" || who.User == "" {
			if len(found) != 0 {
				t.Errorf("%v: %+v", who, found)
			}
			continue
		}
		var said []string
		for _, one := range found {
			said = append(said, one.Email+" by "+one.By)
			if life := one.Until.Sub(one.At); one.Team != "core" || life < 6*24*time.Hour || life > 8*24*time.Hour || time.Since(one.At) > time.Minute {
				t.Errorf("%+v", one)
			}
		}
		if err != nil || strings.Join(said, ", ") != want {
			t.Errorf("%v: %q, %v; want %q", who, said, err, want)
		}
	}
	if found, _ := s.Pending(t.Context(), as("acme", "ann")); len(found) != 1 || found[0].User != lin || strings.Contains(fmt.Sprint(found), "lin@acmecore") {
		t.Errorf("%+v", found)
	}
	if _, err := db.Connect(t, "app_api").Exec(t.Context(), "SELECT * FROM identity.letters"); err == nil {
		t.Error("the API reads the letters")
	}
}

// TestAnInvitationIsWithdrawn: by admins of the team alone; what stands is another team's invitation, and who was here before.
func TestAnInvitationIsWithdrawn(t *testing.T) {
	db, s := inviting(t)
	ctx := t.Context()
	lin := invites(t, db, s, as("acme", "ann"), "core", "lin@acme")
	for _, test := range []struct {
		who        backend.Principal
		team, user string
		want       backend.Code
	}{
		{as("acme", "cat"), "core", lin, backend.Denied}, {as("acme", "dan"), "core", lin, backend.Denied}, {as("acme", "out"), "core", lin, backend.Denied},
		{as("evil", "eve"), "core", lin, backend.NotFound}, {as("acme", "dan"), "docs", lin, backend.NotFound}, {as("acme", lin), "core", lin, backend.Denied},
		{as("acme", "ann"), "none", lin, backend.Denied}, {as("acme", "ann"), "core", "cat", backend.NotFound}, {as("acme", "ann"), "core", "ann", backend.NotFound},
		{as("acme", "ann"), "core", "a\x00", backend.NotFound}, {as("acme", "ann"), "core", "' OR true --", backend.NotFound},
	} {
		if err := s.Withdraw(ctx, test.who, test.team, test.user); err == nil || backend.CodeOf(err) != test.want {
			t.Errorf("%v withdraws %q from %s: %v", test.who, test.user, test.team, err)
		}
	}
	left := func(want string) {
		t.Helper()
		got := lines(t, db.Connect(t, "postgres"), `SELECT u.email || ':' || coalesce((SELECT string_agg(m.team_id, '+' ORDER BY m.team_id) FROM app.memberships m
			WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id), '') || ':' || (SELECT count(*) FROM identity.letters l WHERE l.user_id = u.id)
			FROM app.users u WHERE u.tenant_id = 'acme' AND u.email NOT IN ('ann@acme', 'bob@acme', 'dan@acme', 'out@acme') ORDER BY u.email`)
		if strings.Join(got, " ") != want {
			t.Errorf("left: %q, want %q", got, want)
		}
	}
	left("cat@acme:core:0 lin@acme:core:1")
	invites(t, db, s, as("acme", "dan"), "docs", "lin@acme")
	if err := s.Withdraw(ctx, as("acme", "bob"), "core", lin); err != nil {
		t.Fatal(err)
	}
	left("cat@acme:core:0 lin@acme:docs:1") // the other team's stands
	if err := s.Withdraw(ctx, as("acme", "dan"), "docs", lin); err != nil {
		t.Fatal(err)
	}
	left("cat@acme:core:0") // and with it whoever was here only because of it
	if err := s.Withdraw(ctx, as("acme", "dan"), "docs", lin); backend.CodeOf(err) != backend.NotFound {
		t.Errorf("twice: %v", err)
	}
	// Somebody whom the operator added before stays.
	db.Exec(t, "INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'was', 'was@acme')")
	invites(t, db, s, as("acme", "ann"), "core", "was@acme")
	if err := s.Withdraw(ctx, as("acme", "ann"), "core", "was"); err != nil {
		t.Fatal(err)
	}
	left("cat@acme:core:0 was@acme::0")
}

// TestWithdrawingMeetsTakingUp: whoever takes the invitation up first has it, and the other is told.
func TestWithdrawingMeetsTakingUp(t *testing.T) {
	db, s := inviting(t)
	ctx := t.Context()
	lin := invites(t, db, s, as("acme", "ann"), "core", "lin@acme")
	conn := db.Connect(t, "postgres")
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM identity.letters WHERE user_id = $1", lin); err != nil { // as the provider does
		t.Fatal(err)
	}
	withdrawn := make(chan error, 1)
	go func() { withdrawn <- s.Withdraw(ctx, as("acme", "ann"), "core", lin) }()
	watch := db.Connect(t, "postgres")
	for waits := false; !waits; {
		if err := watch.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%withdraw_invitation%')").Scan(&waits); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-withdrawn:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-withdrawn; backend.CodeOf(err) != backend.NotFound {
		t.Errorf("%v", err)
	}
	if got := lines(t, watch, "SELECT team_id FROM app.memberships WHERE user_id = $1", lin); len(got) != 1 {
		t.Errorf("he is in %q", got)
	}
}
