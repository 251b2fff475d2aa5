package postgres_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

func operated(t *testing.T) (*pgtest.DB, *postgres.Store) {
	t.Helper()
	db := pgtest.New(t)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return db, s
}

func TestUpToDate(t *testing.T) {
	db, s := operated(t)
	if err := s.UpToDate(t.Context()); err != nil {
		t.Errorf("just migrated: %v", err)
	}
	db.Exec(t, "INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (99999, true)")
	if err := s.UpToDate(t.Context()); err != nil {
		t.Errorf("a newer server has migrated: %v", err)
	}
	db.Exec(t, "DELETE FROM public.goose_db_version WHERE version_id = 7")
	if err := s.UpToDate(t.Context()); err == nil || !strings.Contains(err.Error(), "lacks migration 7") {
		t.Errorf("without migration 7: %v", err)
	}
	db.Exec(t, "DROP FUNCTION app.migrations()")
	if err := s.UpToDate(t.Context()); err == nil {
		t.Error("a database of before is up to date")
	}
}

func TestSlots(t *testing.T) {
	db, s := operated(t)
	want := func(what string, check func(postgres.Slots) bool) {
		t.Helper()
		if got, err := s.Slots(t.Context()); err != nil || !check(got) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	want("none", func(s postgres.Slots) bool { return s == postgres.Slots{} })
	conn := db.Connect(t, "postgres")
	db.Exec(t, "SELECT pg_create_logical_replication_slot('followed', 'pgoutput')")
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), "SELECT pg_drop_replication_slot('followed')"); err != nil {
			t.Error(err)
		}
	})
	want("nobody reads it", func(s postgres.Slots) bool { return s.Idle == 1 && s.Lost == 0 })
	before, err := s.Slots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "SELECT pg_logical_emit_message(false, 'test', repeat('x', 200000))")
	want("100 kB more", func(s postgres.Slots) bool { return s.Behind >= before.Behind+100_000 })
}

// TestBootstrapWithoutASuperuser: managed databases have an administrator who may make roles, and no superuser.
func TestBootstrapWithoutASuperuser(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, "CREATE ROLE managed LOGIN CREATEROLE CREATEDB")
	super := db.Connect(t, "postgres")
	t.Cleanup(func() {
		for _, sql := range []string{"DROP DATABASE IF EXISTS bare", "REASSIGN OWNED BY managed TO postgres", "DROP OWNED BY managed", "DROP ROLE managed"} {
			if _, err := super.Exec(context.Background(), sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
	managed := db.Connect(t, "managed")
	if _, err := managed.Exec(t.Context(), "CREATE DATABASE bare"); err != nil {
		t.Fatal(err)
	}
	config := managed.Config().Copy()
	config.Database = "bare"
	bare, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bare.Close(context.Background()) })
	for range 2 {
		if err := postgres.Bootstrap(t.Context(), bare); err != nil {
			t.Fatal(err)
		}
	}
	if err := postgres.Migrate(t.Context(), strings.Replace(db.DSN("app_migrator"), db.Name, "bare", 1)); err != nil {
		t.Error(err)
	}
	if left := lines(t, super, `SELECT r.rolname::text FROM pg_roles r WHERE r.rolname LIKE 'app%' AND pg_has_role('managed', r.oid, 'MEMBER')`); len(left) > 0 {
		t.Errorf("the administrator is still a member of %q", left)
	}
}
