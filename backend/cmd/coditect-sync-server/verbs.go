package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/backend/stream"
	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
)

func (p *program) serveVerb() *cobra.Command {
	var long strings.Builder
	long.WriteString("Answers requests until SIGTERM or SIGINT; then it is not ready, and lets what has begun finish.\n\nSettings (environment, or lines of --config without " + prefix + "):\n")
	for _, s := range table {
		fmt.Fprintf(&long, "  %s%-18s %s", prefix, s.name, s.about)
		if s.usual != "" {
			fmt.Fprintf(&long, " (%s)", s.usual)
		}
		long.WriteString("\n")
	}
	return &cobra.Command{Use: "serve", Short: "answer requests", Long: long.String(), Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error { return p.serve(c.Context()) }}
}

func (p *program) serve(ctx context.Context) error {
	s, err := p.settings()
	if err != nil {
		return err
	}
	log := p.log(s)
	// The library of the identity provider logs to the default one, and names the state that a client sent.
	slog.SetDefault(slog.New(quiet{log.Handler()}))
	v, err := newServer(ctx, s, log, version)
	defer v.close()
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return mistake("%sLISTEN: %v.", prefix, err)
	}
	fmt.Fprintf(p.out, "CODITECT Sync serves at %s\n", s.url)
	return v.serve(ctx, ln)
}

// quiet passes on that a library had something to say, without what it says about the request.
type quiet struct{ slog.Handler }

// Handle passes a record on without its attributes.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	bare := slog.NewRecord(r.Time, min(r.Level, slog.LevelWarn), "identity provider: "+r.Message, r.PC)
	return q.Handler.Handle(ctx, bare)
}

// WithAttrs drops the attributes.
func (q quiet) WithAttrs([]slog.Attr) slog.Handler { return q }

// WithGroup has nothing to group.
func (q quiet) WithGroup(string) slog.Handler { return q }

func (p *program) migrateVerb() *cobra.Command {
	var bootstrap string
	c := &cobra.Command{Use: "migrate", Short: "bring the database up to date", Args: exactly(0),
		Long: "Brings the schema up to date, as app_migrator. Run it before a new version serves. The first time, --bootstrap makes the roles.",
		RunE: func(c *cobra.Command, _ []string) error { return p.migrate(c.Context(), bootstrap) }}
	c.Flags().StringVar(&bootstrap, "bootstrap", "", "`ADDRESS` of the database for a superuser, to make the roles first")
	return c
}

func (p *program) migrate(ctx context.Context, bootstrap string) error {
	s, err := p.adminSettings()
	if err != nil {
		return err
	}
	if bootstrap != "" {
		conn, err := pgx.Connect(ctx, bootstrap)
		if err != nil {
			return fmt.Errorf("The database cannot be reached as a superuser: %w", err)
		}
		if err := errors.Join(postgres.Bootstrap(ctx, conn), conn.Close(ctx)); err != nil {
			return err
		}
		fmt.Fprintln(p.out, "The roles are there.")
	}
	address, err := s.admin()
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, address); err != nil {
		return err
	}
	if err := createLog(ctx, address); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The database is up to date.")
	return nil
}

func (s *settings) admin() (string, error) {
	address := s.databases["app_migrator"]
	if address == "" {
		return "", fmt.Errorf("%w: %w", errSettings, mistake("%sDATABASE_ADMIN is missing: the address of the database for app_migrator.", prefix))
	}
	return address, nil
}

// createLog makes the tables of the stream, owned as all others are.
func createLog(ctx context.Context, address string) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return err
	}
	config.RuntimeParams["role"] = "app_owner"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(oplog.CreateSchema(ctx, conn, stream.Role), conn.Close(ctx))
}

func (p *program) keysVerb() *cobra.Command {
	replace := &cobra.Command{Use: "replace", Short: "new signing keys at once, for when the present ones may have leaked", Args: exactly(0),
		Long: "Makes new keys and drops the old ones. Access tokens end within a minute; machines get new ones by themselves.",
		RunE: func(c *cobra.Command, _ []string) error { return p.replaceKeys(c.Context()) }}
	return group("keys", "signing keys", replace)
}

func (p *program) replaceKeys(ctx context.Context) error {
	s, err := p.settings()
	if err != nil {
		return err
	}
	pool, err := postgres.Connect(ctx, s.databases["app_identity"], 0)
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, purpose := range []keys.Purpose{keys.ID, keys.Access} {
		if err := keys.New(keys.Config{Pool: pool, Secret: s.secret, Purpose: purpose}).Replace(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(p.out, "There are new signing keys. Tokens of the old ones end within a minute.")
	return nil
}
