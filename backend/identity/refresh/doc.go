// Package refresh keeps refresh tokens in PostgreSQL, as digests. One sign-in starts a family; using a token gives the next
// one of the family, and the used one is void. Whoever uses a void token has stolen it, or was stolen from: nobody can tell
// which, so the whole family ends and its machine has to sign in again.
//
// A client whose answer was lost, or two of its processes at once, use a token twice without any thief. So for some seconds
// after its first use a token gives further ones of the same family, a few times.
package refresh
