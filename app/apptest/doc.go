// Package apptest is what tests of the product share: contract suites, fakes that say how they lie, a Google Cloud
// Storage, an S3 server and an OpenSSH server on loopback that can fail on demand, and SQLite files that another program made.
//
// Nothing in the program imports it.
//
// # Worlds
//
// A World is a file and a target in memory. Its File, Keeper and Replica are app.File, app.Keeper and app.Replica over
// the same rows, so that what a Keeper flushed is what a Replica finds and what a File restores. NewModel makes a whole
// app.Service of a World: the smallest thing that passes TestService.
package apptest
