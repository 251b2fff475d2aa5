// Package identity says who asks. So far it verifies access tokens: JSON Web Tokens signed with ES256 or EdDSA by a key of a
// given set, short-lived, made for one audience, naming a user, a tenant and a machine. Nothing in a token's header is
// followed: not jku, not x5u, not an embedded key.
package identity
