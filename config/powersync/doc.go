// Package powersync is the configuration of a PowerSync Service that takes the place of the built-in stream: service.yaml,
// how the program runs, and sync-streams.yaml, which rows go to whom. They are files to mount into the service's image,
// both in one directory; nothing secret is in them. service.yaml says which environment variables it takes.
//
// # Buckets
//
// They are those of the built-in stream (backend/stream.Memory), so that a client may change between the two: per project
// one bucket of knowledge (priority 1), one of work (2) and one of messages (3), and the same three per person for rows
// without a project. A person sees the projects that app.access gives them, as row-level security does. The tenant is the
// first value of every bucket's key, and comes from the row on one side and from the signed token on the other: the same
// ids in two tenants never share a bucket.
//
// # Where it is from
//
// sync-streams.yaml is generated from config/schema, so that the service sends the columns the clients have, in their
// order, and never the clocks that the server keeps beside them. Tests run the service's own parser over it and compare
// what it puts into which bucket with an oracle written by hand and with the built-in stream; that parser is for tests
// alone, installed by them, and no part of the product.
package powersync
