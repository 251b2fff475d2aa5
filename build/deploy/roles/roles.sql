-- The roles of the database, made once by a superuser in the empty database that the server will have; what
-- `coditect-sync-server migrate --bootstrap` does where somebody has a superuser's address. A test runs both.
-- NOINHERIT: a migrator has the rights of an owner only while it says that it acts as one.
CREATE ROLE app_owner NOLOGIN NOINHERIT;
CREATE ROLE app_admin NOLOGIN NOINHERIT;
CREATE ROLE app_migrator LOGIN NOINHERIT;
CREATE ROLE app_api LOGIN NOINHERIT;
CREATE ROLE app_identity LOGIN NOINHERIT;
CREATE ROLE powersync LOGIN NOINHERIT REPLICATION;
GRANT app_owner, app_admin TO app_migrator;
GRANT app_admin TO app_owner;
ALTER DATABASE coditect OWNER TO app_owner;
REVOKE TEMPORARY ON DATABASE coditect FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO app_owner;
