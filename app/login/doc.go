// Package login signs a person in and keeps the sign-in: it finds server and identity provider from one address, brings the
// person there in the system's browser or by a code, exchanges what the provider says for tokens of the server, keeps the
// refresh token where the system keeps secrets, and hands out access tokens.
//
// # The way in
//
// The server says at /.well-known/oauth-authorization-server where people sign in. With a browser it is the authorization
// code flow with PKCE (S256), as RFC 8252 has it for native programs: a listener on 127.0.0.1 at a port of the system's
// choice, for one sign-in of at most five minutes. What the browser is started with, and what everybody on the machine can
// therefore read, is an address of that listener with a ticket that works once; it leads on to the provider and marks the
// browser with a cookie, without which no answer is taken. So neither state nor challenge is in any command line. An answer
// must come to the exact path and host, by a navigation, with state and cookie, with each parameter once, and from the issuer
// that was asked (RFC 9207, and always in the ID token). The first that does ends the waiting, whatever it says.
//
// Without a browser it is the device flow (RFC 8628): a code is shown, and typed into the provider's page on any machine.
//
// The provider's ID token is verified here (signature, issuer, audience, nonce; not its times, because it comes straight from
// the provider and this clock may be wrong) and exchanged at the server. Its nonce is the S256 of a verifier that only this
// process knows and sends along.
//
// # What is kept where
//
//	account.json        who is signed in, where. No secret (package config)
//	the keychain        the refresh token, under the machine's id. Every call of it is limited to three seconds
//	login/sealed, key   the refresh token where there is no keychain or it does not open: AES-256-GCM, both files for this user
//	                    alone. The key lies beside what it opens, so this keeps a token out of greps, backups of single files
//	                    and screens; whoever can read this user's files has it. The person is told (Info.Note)
//	login/lock          held by the process that uses the refresh token
//	memory              the access token, which lives for some minutes
//
// A refresh token is good for one use. So one process at a time uses it, under the lock, and keeps the next one before it lets
// go. What could not go into the keychain goes into the file, and back when the keychain opens; numbers tell which is newer.
//
// # Google
//
// Google signs people in to Google in the same way, so that their copies can go to their own buckets. That is no account: it
// has entries of its own in the safe, one for each address, and one for the OAuth client that was used last.
//
// # Never signed out by accident
//
// Nobody is signed out because the network is away, a portal answers in the server's place, the keychain is locked, the clock
// is wrong, or the server has a bad day: all of these are errors with another code than app.CodeSignedOut and mean "not now".
// A sign-in ends when the server says invalid_grant to the refresh token, and says it again after the store was read anew,
// because another process may have used the token meanwhile. Then account.json says when it ended, and stays, so that the
// same person can sign in again.
//
// A token's age is the longer of what the steady and the wall clock say: the one stands still while a machine sleeps, the
// other jumps. Both wrong is a token that the server refuses; Refuse then has it replaced, with growing pauses.
package login
