package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/identity/session"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

func (p *program) doctorVerb() *cobra.Command {
	return &cobra.Command{Use: "doctor", Short: "look for what is wrong; exit 0 when nothing is", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error { return p.doctor(c.Context()) }}
}

var errUnwell = mistake("Something is wrong; it is above.")

// doctor goes on after what fails, so that everything is told at once.
func (p *program) doctor(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := p.settings()
	if err != nil {
		return err
	}
	well := true
	for _, check := range checks {
		if found := check.look(ctx, s); found != nil {
			well = false
			fmt.Fprintf(p.out, "wrong  %s: %s\n", check.about, sentences(found))
			continue
		}
		fmt.Fprintf(p.out, "ok     %s\n", check.about)
	}
	if !well {
		return errUnwell
	}
	return nil
}

// check is one thing that the doctor looks at.
type check struct {
	about string
	look  func(ctx context.Context, s *settings) error
}

var checks = []check{
	{"the settings", func(context.Context, *settings) error { return nil }},
	{"the database, as the API", as("app_api", "SELECT FROM app.lost LIMIT 0")},
	{"the database, as sign-in", as("app_identity", "SELECT FROM identity.families LIMIT 0")},
	{"the database, as the stream", as("powersync", "SELECT FROM app.access LIMIT 0")},
	{"the server's secret opens the signing keys", secretFits},
	{"wal_level is logical", walLevel},
	{"the stream's log", streamLog},
	{"the identity providers answer", issuersAnswer},
}

func as(role, sql string) func(context.Context, *settings) error {
	return func(ctx context.Context, s *settings) error {
		pool, err := postgres.Connect(ctx, s.databases[role], 1)
		if err != nil {
			return err
		}
		defer pool.Close()
		if _, err := pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("Run `coditect-sync-server migrate`. (%w)", err)
		}
		return nil
	}
}

func secretFits(ctx context.Context, s *settings) error {
	pool, err := postgres.Connect(ctx, s.databases["app_identity"], 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, purpose := range []keys.Purpose{keys.ID, keys.Access} {
		if _, err := keys.New(keys.Config{Pool: pool, Secret: s.secret, Purpose: purpose}).Public(ctx); err != nil {
			return err
		}
	}
	return nil
}

func walLevel(ctx context.Context, s *settings) error {
	pool, err := postgres.Connect(ctx, s.databases["powersync"], 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	var level string
	if err := pool.QueryRow(ctx, "SHOW wal_level").Scan(&level); err != nil {
		return err
	}
	if level != "logical" {
		return mistake("It is %s. Set wal_level = logical and start PostgreSQL again.", level)
	}
	return nil
}

// streamLog reports a slot that was lost, or that keeps much of the write-ahead log because nobody reads it.
func streamLog(ctx context.Context, s *settings) error {
	if !s.stream {
		return nil
	}
	pool, err := postgres.Connect(ctx, s.databases["powersync"], 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	var lost bool
	var behind int64
	err = pool.QueryRow(ctx, `SELECT coalesce(bool_or(wal_status = 'lost'), false),
			coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)), 0)::bigint
		FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database()`).Scan(&lost, &behind)
	switch {
	case err != nil:
		return err
	case lost:
		return mistake("Its replication slot was lost; the server builds the log anew, and clients download once more.")
	case behind > 1<<30:
		return fmt.Errorf("It is %d MB behind. Is a server running?", behind>>20)
	}
	return nil
}

func issuersAnswer(ctx context.Context, s *settings) error {
	var all []error
	for _, issuer := range s.issuers {
		if err := session.Reach(ctx, issuer); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
