// Package accounts writes tenants, users, passwords, teams and memberships, for the server's command line. It acts as
// app_admin, a role that the serving process never has.
package accounts
