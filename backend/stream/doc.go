// Package stream serves the PowerSync protocol straight from PostgreSQL, so that one program and one database are a
// whole cloud. Package rules says what is in which bucket and who sees it, package oplog keeps the numbered operations,
// package wire knows the protocol; here are the HTTP handlers and one session per connected client.
//
// # A session
//
// A session reads the log in one moment: how far it is, which buckets the person sees, what changed, and as much of the
// data as fits a few megabytes. Most checkpoints are whole with that. What is more is read part by part, without holding
// anything in the database while a slow client reads. Where a bucket is compacted meanwhile beyond the checkpoint, the
// session does not complete it, but goes on to a newer one.
//
// Between two checkpoints a session sleeps; the hub wakes it for commits that concern its buckets, its person's access or
// its client's write checkpoint.
package stream
