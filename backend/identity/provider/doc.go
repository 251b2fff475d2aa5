// Package provider is the embedded OpenID provider, for those who have no other: zitadel/oidc's protocol over our own storage
// and pages. It makes ID tokens for one public client, the program on people's machines, and nothing else; the API takes them
// like those of any provider (package session).
//
// Its way in is the authorization code flow with PKCE (S256), state and nonce, redirecting to a literal loopback
// address, where the port is free and the path is not. The answer names its issuer (RFC 9207). Codes are used once; whoever
// uses one again ends what it started. Scope offline_access adds refresh tokens (package refresh), which RFC 7009 revokes.
//
// For machines without a browser there is the device flow (RFC 8628): the machine shows a code, its person types it into the
// page at /device on any other machine. It carries a nonce of the machine's into the ID token, which RFC 8628 does not know
// of and the exchange wants.
//
// There is no session in the browser: every sign-in asks for the password, so there is nothing to sign out of and nothing for
// another page to use. The page works without script. It belongs to the browser the sign-in began in, by a cookie that other
// sites cannot send; no address of it holds a secret.
//
// Guessing is slowed down by who is asked for and from where (throttle.go), the same for people who do not exist.
package provider
