package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// roles are made by Bootstrap. NOINHERIT: a migrator has the rights of an owner only while it says that it acts as one.
const roles = `
DO $$
DECLARE
  role record;
BEGIN
  FOR role IN SELECT * FROM (VALUES
    ('app_owner', 'NOLOGIN NOINHERIT'), ('app_admin', 'NOLOGIN NOINHERIT'), ('app_migrator', 'LOGIN NOINHERIT'),
    ('app_api', 'LOGIN NOINHERIT'), ('app_identity', 'LOGIN NOINHERIT'), ('powersync', 'LOGIN NOINHERIT REPLICATION')) AS r(name, attributes)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role.name) THEN
      EXECUTE format('CREATE ROLE %I %s', role.name, role.attributes);
    END IF;
  END LOOP;
END $$;
GRANT app_owner, app_admin TO app_migrator;
GRANT app_admin TO app_owner;`

const publicSchema = `
DO $$
BEGIN
  IF NOT has_schema_privilege('app_owner', 'public', 'CREATE') THEN
    GRANT CREATE ON SCHEMA public TO app_owner;
  END IF;
END $$`

// Bootstrap makes the roles, where they are missing, and gives the database to app_owner. It is run once, by a role that
// may create roles with REPLICATION; passwords are set by whoever runs the cluster. Running it again changes nothing.
func Bootstrap(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, roles); err != nil {
		return fmt.Errorf("make the roles: %w", err)
	}
	// While whoever runs this still owns the database: app_owner does not inherit what an owner may.
	if _, err := conn.Exec(ctx, publicSchema); err != nil {
		return fmt.Errorf("let app_owner make tables: %w", err)
	}
	database := pgx.Identifier{conn.Config().Database}.Sanitize()
	if err := asOwner(ctx, conn, "ALTER DATABASE "+database+" OWNER TO app_owner; REVOKE TEMPORARY ON DATABASE "+database+
		" FROM PUBLIC"); err != nil {
		return fmt.Errorf("give the database to app_owner: %w", err)
	}
	return nil
}

// asOwner runs what only a member of app_owner may. An administrator who is no superuser is one meanwhile.
func asOwner(ctx context.Context, conn *pgx.Conn, sql string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var member bool
		if err := tx.QueryRow(ctx, "SELECT pg_has_role(current_user, 'app_owner', 'MEMBER')").Scan(&member); err != nil {
			return err
		}
		if !member {
			sql = "GRANT app_owner TO CURRENT_USER; " + sql + "; REVOKE app_owner FROM CURRENT_USER"
		}
		_, err := tx.Exec(ctx, sql)
		return err
	})
}

// Migrate brings the schema up to date, each migration in a transaction of its own. dsn is a connection of app_migrator or
// another member of app_owner. Two at a time wait for each other.
func Migrate(ctx context.Context, dsn string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("the address of the database: %w", err)
	}
	config.RuntimeParams["role"] = "app_owner"
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	// Out of order, because sign-in numbers its own from 100 on.
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker), goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
