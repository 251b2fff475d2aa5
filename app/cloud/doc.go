// Package cloud is the Engine of cloud mode: what other programs write to the file goes up, what the account has comes
// down, and both are proved to be the same.
//
// # The way up
//
// The pusher wakes when the log of the file changes, waits a tenth of a second for more, and asks the file for its outbox:
// whole groups of transactions, as bytes that were kept before they are first sent. What is sent again is the same bytes
// under the same numbers, so a request whose answer got lost does no harm. It has a timer of its own: a failure is tried
// again after a second, doubled to a minute, with jitter, no sooner than the server's Retry-After, and whether or not
// anybody writes meanwhile. An answer is settled in the file before the next request is made. A request that the server
// will never take (413, 422) is sent group by group; the one group that is still refused goes to lost & found, the others go
// on.
//
// # The way down
//
// The puller keeps one POST /sync/stream open and gives each line to a powersync.Machine, whose instructions the file
// carries out. It reads with a bounded buffer and a watchdog: a stream that is silent for 50 seconds is left, for the
// server says something every 20. Before a token ends the next one is fetched, a second stream is opened with it between
// two lines, and only then the first one is left. A token that was expired when it came is never used twice: the stream
// would open, and end with its first line, as often as one likes.
//
// # The write gate
//
// What comes down must not undo what has not gone up. When the outbox is empty, the engine asks for a write checkpoint and
// hands it to the file together with the last change that was acknowledged; the file takes it only if nothing was written
// meanwhile. A checkpoint request has a number that we choose, so it survives a lost answer; a server that does not know it
// is asked the older way.
//
// # Offline is a fact
//
// Nothing temporary is an error: the network, a portal in the server's place, a server with a bad day, a locked keychain, a
// wrong clock. They are Progress, with a cause in words, since when, and when the next try is. A Fault needs a person: the
// table has another shape, the server refuses this version, the disk is full. Run returns only what it cannot go on with:
// CodeSignedOut when the account's sign-in has ended (recording goes on), and what Enrol says.
//
// # The watchdog
//
// Changes that wait for 30 seconds without any being acknowledged, or a write checkpoint that is not reached for as long,
// are a stall. It is shown with its cause, and a ladder heals it: try at once, reconnect, a new token, new connections and
// loops, and, when it is the way down that stands still, fetch all rows again while the queue is kept. Whatever does not
// return is left behind: no step waits for one that hangs. Without a network there is no ladder, but the tries go on.
//
// # The proof
//
// Client-driven: the outbox is empty; a checkpoint was requested and is applied; the rows of each table are hashed here, and
// then there (GET /v1/proof); a second checkpoint was requested and is applied. A table that is unequal while nothing of it
// was captured or came down in between differs for good; others are compared again. For one that differs, ids are sent in
// chunks (POST /v1/proof) to find the very rows: what exists on this machine alone is captured, so that it goes up; what
// differs goes to lost & found as it is here; only then everything is fetched again. It runs after the first sync, daily, and
// when asked for.
package cloud
