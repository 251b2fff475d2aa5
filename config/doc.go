// Package config knows where things are kept and keeps the small ones: the layout of the home directory per OS, the
// environment variables, the preferences, the machine's identity, the records of past drills and restores, and the
// litestream.yml written for the stock tool.
//
// # One home
//
// Everything the program keeps lives under one directory (DefaultHome, or CODITECT_HOME). A person can look at it, back
// it up or delete it; nothing is hidden elsewhere, but for the socket of a home whose path is longer than the system
// allows for sockets (package local).
//
// # Files that survive
//
// Preferences, machine and records are JSON files that a crash at any moment leaves whole: written to a temporary file
// beside the real one, flushed, renamed over it, and the directory flushed. Each names its kind and format version. A
// file that is torn, or that is not ours, is never overwritten: it is renamed to NAME.damaged-TIME and the caller is
// told. A file of a newer format version is refused and left in place. None of them holds a secret.
package config
