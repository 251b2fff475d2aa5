package postgres_test

import (
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

// TestATenantPushesSoMuchADay: all of its people together, until tomorrow; nobody else's tenant. What came before stays.
func TestATenantPushesSoMuchADay(t *testing.T) {
	db := pgtest.New(t)
	c := cloudOn(t, db)
	db.Exec(t, "INSERT INTO app.tenants VALUES ('other', ''); INSERT INTO app.users (tenant_id, id, email) VALUES ('other', 'eve', 'e@x')")
	var err error
	if c.Store, err = postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 4, Daily: 1000, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Store.Close)
	ann, bob, eve := c.client(t, "ann"), c.client(t, "bob"), c.client(t, "eve")
	eve.who.Tenant = "other"
	for i := range 10 {
		who := []*client{ann, bob}[i%2]
		results, err := who.trySend(who.body(decision(who.who.User+strconv.Itoa(i), "x", 1)))
		if err == nil {
			if statuses(results) != "applied" || i > 8 {
				t.Fatalf("request %d: %s", i, statuses(results))
			}
			continue
		}
		var refused *backend.Error
		if !errors.As(err, &refused) || refused.Code != backend.RateLimited || refused.After <= 0 || refused.After > 24*time.Hour {
			t.Fatalf("%v", err)
		}
		if used := c.value(t, "SELECT sum(bytes) FROM app.usage"); used < "1000" || len(used) != 4 {
			t.Errorf("refused after %s bytes", used)
		}
		eve.push(decision("e", "x", 1))
		db.Exec(t, "UPDATE app.usage SET day = day - 1")
		who.push(decision("tomorrow", "x", 1))
		return
	}
	t.Error("nothing was refused")
}
