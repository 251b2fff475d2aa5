// Package keys keeps signing keys (ES256) in PostgreSQL and rotates them.
//
// A new key is published before it signs, so that whoever keeps the published ones for a while knows it in time; the old one
// stays published until the last token that it signed has ended. Several server processes share the keys; a process notices
// another's new key long before it signs.
//
//	created ──ahead──▶ signs ──period──▶ the next one signs ──keeps──▶ gone
//
// Private keys are sealed with the server's secret: a copy of the database signs nothing.
package keys
