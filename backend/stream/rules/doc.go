// Package rules says which rows go into which bucket, and which buckets a person sees. It is pure: a Definition is a
// value, a row is its column values, and nothing here reads a database.
//
// A bucket is a stream's name and a key, the values of some columns: mine["tenant","user"]. A row is in the bucket of
// every source of its table whose conditions hold and whose key columns are all set. A person sees the buckets whose key
// is made of their token's claims, or, for a stream with a lookup, the keys that the rows of another table (memberships,
// access) grant to their claims.
//
// Every query of a sync config without joins can be written so; config with a sub-select becomes a lookup.
package rules
