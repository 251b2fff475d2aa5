package cloud

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// File is what the engine needs of the local file. *sqlite.File is one. Its methods are called from several goroutines and
// return when their ctx ends.
type File interface {
	// Path is where it is, absolute.
	Path() string
	// Stamp says how the file is now, and how the last commit of this process left it.
	Stamp() (now, own app.Stamp)
	// Enrol begins to record changes, and files the rows that were there before. It may be called again.
	Enrol(ctx context.Context, e app.Enrolment, progress func(done, total int64)) error
	// Capture says how recording stands.
	Capture(ctx context.Context) (app.Capture, error)
	// Rest closes what is open only because it may be used again soon.
	Rest()
	Outgoing
	Incoming
	Comparing
}

// Outgoing is the way up.
type Outgoing interface {
	// NextGroups returns what goes up next; the same bytes again until they are settled.
	NextGroups(ctx context.Context, maxChanges, maxBytes int) (pushapi.Outbox, error)
	// Settle takes the server's answer to what was sent under a client id.
	Settle(ctx context.Context, client string, answer pushapi.Answer) (app.Settled, error)
	// QueueMark is the newest change that was captured, and whether all up to it is acknowledged.
	QueueMark(ctx context.Context) (mark int64, drained bool, err error)
	// SetTarget notes the write checkpoint for everything up to mark; not ok when something was captured meanwhile.
	SetTarget(ctx context.Context, checkpoint, mark int64) (ok bool, err error)
	// KeepLost puts values that lost a conflict into lost & found, each ID once.
	KeepLost(ctx context.Context, items ...app.LostItem) error
	// Forget drops what is acknowledged, where nothing is pulled.
	Forget(ctx context.Context) error
}

// Incoming is the way down.
type Incoming interface {
	// Buckets is how far each bucket has come.
	Buckets(ctx context.Context) ([]powersync.Bucket, error)
	// Store, Restart and Apply carry out the instructions of that name.
	Store(ctx context.Context, s powersync.Store) error
	Restart(ctx context.Context, r powersync.Restart) error
	Apply(ctx context.Context, a powersync.Apply) (powersync.Applied, error)
	// Refetch has every bucket come again from its beginning. Rows stay until they came again or are known to be gone.
	Refetch(ctx context.Context) error
}
