// Package app holds the words of CODITECT Sync: what a person wishes (Prefs), what is observed (Facts), what follows
// from both (State), what every face shows (Status), and what a face can ask for (Service).
//
// It imports the standard library only. Adapters (sqlite, standalone, local, cli, …) import app and never each other;
// the agent joins them through the interfaces declared here.
//
// # Wish, fact, derived
//
// Prefs are persisted wishes, Facts are observed, and Next joins the two. Nobody sets a State. What an engine is doing
// right now (connecting, copying, offline) is Progress: it has a cause, an age and a next step, and it never changes
// the State.
//
// # Moments
//
// A restore point is a TXID (the position in the file's history at its target) and the time it was recorded. Every
// committed row is in a restore point within seconds, and every restore can be undone because the state before it is
// itself flushed as a restore point first.
package app
