// Package identity knows the access tokens of the API and of the stream: JSON Web Tokens signed with ES256, good for some
// minutes, naming a user, a tenant, a machine and the session they belong to. An Issuer makes them, a Verifier says who asks.
// Nothing in a token's header is followed: not jku, not x5u, not an embedded key.
//
// The packages below hold the rest of sign-in:
//
//	keys      signing keys in PostgreSQL, sealed, rotated
//	password  argon2id
//	refresh   refresh tokens that are used once, in families that end when one is used again
//	provider  the embedded OpenID provider, for those who have none: it makes ID tokens and nothing else
//	session   ID tokens of any configured issuer exchanged for access and refresh tokens, and machines
//	accounts  tenants, users and passwords, for the command line
//
// A person signs in at an OpenID provider, ours or another, and the machine exchanges the ID token once. From then on only
// our own tokens are used, which are the same whoever the provider is.
package identity
