// Package password keeps passwords as argon2id in the PHC string format, with the memory and passes that OWASP asks for. A
// Hasher bounds how many are computed at once, because each takes 19 MiB.
package password
