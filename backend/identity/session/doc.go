// Package session exchanges an ID token for a session of a machine, and keeps the sessions: an access token of some minutes
// and a refresh token that is used once (package refresh).
//
//	POST /v1/token    RFC 8693 with an ID token begins a session, grant_type=refresh_token goes on with it
//	POST /v1/revoke   RFC 7009, with a refresh token: the machine signs out
//	GET  /.well-known/jwks.json                    the keys that access tokens are signed with
//	GET  /.well-known/oauth-authorization-server   RFC 8414, and where to sign in
//
// # The exchange
//
// An ID token may come from any issuer that the configuration names; the embedded provider is one of them. It must be signed
// by one of that issuer's keys with an algorithm that was allowed, be made for our client, not be older than some minutes, and
// not have been exchanged before. Its nonce must be the S256 of the parameter nonce_verifier, as PKCE does with a code: who
// finds somebody's ID token cannot exchange it.
//
// Whom the issuer names is looked up by issuer and subject. Where nobody is, and the issuer is trusted with addresses, the
// user with the verified address is, and from then on linked.
//
// The machine names itself with machine_id and machine_name. Signing in again ends its earlier sessions. A machine that
// belongs to somebody else is refused.
//
// # Ends
//
// A session ends when its machine signs out, when the machine is revoked, when its person is disabled, when a refresh token
// is used again, or after half a year without use. Its access tokens end with it, at once in this server; a PowerSync Service,
// which cannot ask, takes them until they expire.
package session
