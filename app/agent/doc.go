// Package agent is the one writer of state: it holds the wishes, watches the facts, asks app.Next what follows, runs at
// most one engine, and publishes the Status that every face shows. It implements app.Service.
//
// One goroutine (Run) owns all of it. Everything else hands it functions to run (do); nothing else touches the fields
// of core. Long operations (setup, restore, verify) run in their caller's goroutine and tell the owner when they begin
// and end; one of them runs at a time.
//
// An engine is identified by what it was started with. When what is wanted differs from what runs, the running one is
// told to stop, and only after its Run has returned is the next one started.
package agent
