// Package cli is the command line: one file for each verb, all of them over app.Service, and the wiring of the agent.
//
// # How a verb reaches the agent
//
// An agent that runs answers on the socket of its home, and every verb uses it. When none runs, the verbs that must
// work in a disaster (setup, mode, start, stop, pause, resume, machines, points, restore, undo, verify, doctor) make an
// idle agent in this process for as long as the verb takes, under the same lock; status and quit say that nothing runs
// and end with exit status 3. A verb that meets a lock without an answer waits some seconds, because an agent that is
// starting or another verb may hold it, and then says so.
//
// # What goes where
//
// Results go to stdout. Questions, progress and errors go to stderr: an error is one sentence, its hint is the next
// line. With --json stdout holds JSON alone: the result, or {"error": {"code", "op", "message", "hint"}} when the verb
// failed before it had one. A test restore that did not hold and a doctor that found something bad have a result, and
// still end with exit status 1.
//
// The exit status is that of app.Code: 0 done, 1 failed, 2 usage, 3 no agent runs, 4 not signed in, 5 refused for
// safety. Without a terminal nothing prompts: what would ask needs --yes.
//
// # What is written is harmless
//
// Names of hosts, files and tables come from others. All text passes through a screen, which escapes control
// characters and everything that turns the direction of text around, and only then adds colours of its own; JSON is
// escaped likewise. Colours are off where the stream is no terminal, with --no-color, NO_COLOR or TERM=dumb.
package cli
