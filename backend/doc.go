// Package backend has the server's words: Tenant, User, Team, Machine, Principal, Store. Its adapters (postgres, httpapi,
// stream) import it; it imports the standard library and the push contract only, and never the app.
package backend
