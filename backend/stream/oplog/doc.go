// Package oplog turns the commits of a PostgreSQL database into numbered operations per bucket, keeps them, and reads
// them back.
//
// # Order by construction
//
// One process holds an advisory lock and a replication slot (Writer). It receives every transaction after its commit, in
// the order of the commits, whoever made it, and appends operations with growing numbers. An open transaction is not in
// that order yet, so it delays nobody, and nobody who has read up to a number can miss one below it. The lock belongs to
// the connection that writes: a process that lost it cannot write.
//
// A write checkpoint is asked for with a transactional logical message. It takes its place in the same order: when the
// writer meets it, everything committed before is in the log.
//
// Who may see which bucket is in the log too: the tables that grant access are read in the same order (Lookup in package
// rules), so that a row and the right to see it never change places.
//
// # What is stored
//
// An operation that sets a document, once; when a later one makes it void, it shrinks to its number and checksum in the
// same transaction (a MOVE). Runs of void operations at a bucket's beginning become one CLEAR, and a bucket with more
// void operations than live ones is begun anew: its live documents get new numbers, everything before becomes one CLEAR.
// A client resumes from any position that it ever had, or is told by the checksum.
//
// Stored operations describe a bucket from its number stable on. Who reads up to an older number while this happens
// must not call the checkpoint complete, but go on to a newer one.
//
// # Serving
//
// Any number of processes read (Store). Each listens for NOTIFY (Tail) and wakes those of its streams that an append
// concerns.
package oplog
