package powersync

// Instruction is what the owner of the rows or of the connection has to do. See the package comment.
type Instruction interface{ instruction() }

// Bucket is how far a bucket has come. Its zero value, with a name, is one of which nothing has come.
type Bucket struct {
	Name     string
	Position int64  // the last operation that came, or that is known to be none of this bucket's
	Checksum uint32 // of everything that came
	Known    int64  // operations of the last checkpoint that was complete, for Advance only
	Got      int64  // operations that came since, for Advance only
}

// Store says to keep the operations of one bucket. They are in the order in which they count. To is the bucket after them,
// and is to be kept together with them.
type Store struct {
	To  Bucket
	Ops []Op
}

// Restart says that what came of a bucket so far no longer counts: it did not add up, was taken away and given back, or was
// cleared. Rows stay until the next Apply that covers the bucket: then those go that did not come again. To is the bucket
// from here on.
type Restart struct{ To Bucket }

// Apply says that the checksums hold. What was stored of the listed buckets up to the priority is to be shown in one piece,
// and each of these buckets stands at LastOp. If it is All, buckets that are not listed are gone with their rows.
type Apply struct {
	LastOp   int64
	All      bool
	Priority int // up to which, when it is not All
	// Listed is every bucket of the checkpoint. Nobody changes it.
	Listed []Listing
	// WriteCheckpoint is the newest one that is covered, 0 when nothing is said. Only with All.
	WriteCheckpoint int64
}

// Covers tells whether the bucket is one that is applied.
func (a Apply) Covers(l Listing) bool { return a.All || l.Priority <= a.Priority }

// Fetch says that the token has Seconds left.
type Fetch struct{ Seconds int64 }

// Reconnect says why the stream is to be left.
type Reconnect struct{ Reason Reason }

// Advance says how many operations of the checkpoint have come, and how many there are. Both are estimates that end equal:
// compaction may send fewer operations than were counted.
type Advance struct{ Done, Total int64 }

func (Store) instruction()     {}
func (Restart) instruction()   {}
func (Apply) instruction()     {}
func (Fetch) instruction()     {}
func (Reconnect) instruction() {}
func (Advance) instruction()   {}

// Reason says why a stream is left.
type Reason string

const (
	// ReasonChecksum says: buckets did not add up and were restarted. Open the next stream at once, but not twice in a row.
	ReasonChecksum Reason = "checksum"
	// ReasonExpired says: the token is used up. Open the next stream with another one; never at once with this one, which may
	// still be taken and would end the same way.
	ReasonExpired Reason = "expired"
	// ReasonNothingListed says: the server lists no bucket for a client that has some. Try with a new token, then less and less
	// often, and let a person know.
	ReasonNothingListed Reason = "nothing_listed"
	// ReasonBroken says: the line cannot be read. Open the next stream after a while.
	ReasonBroken Reason = "broken"
	// ReasonEnded says: the stream ended, as every stream does. Open the next one after a moment.
	ReasonEnded Reason = "ended"
)

// Applied is what became of an Apply.
type Applied struct {
	// Done tells that everything is shown and its positions are kept. Else Shut says why not; what was stored stays stored.
	Done bool
	Shut Shut
	// Rows is how many rows were put, changed or removed by this call.
	Rows int64
	// More tells that the work is long and was left for other writers: call again to go on. Left is how many operations
	// are left, Total how many there were.
	More        bool
	Left, Total int64
	// Kept is how many rows that only this machine had went to lost & found before they were overwritten or removed.
	Kept int64
	// Taken is how many rows were removed, up to the end of the work, because their buckets were taken away.
	Taken int64
	// Refetch tells that a bucket must come again: reconnect.
	Refetch bool
}

// Shut says why a checkpoint is not applied.
type Shut string

const (
	// ShutNot says: it is not shut.
	ShutNot Shut = ""
	// ShutWaiting says: local changes wait to be pushed.
	ShutWaiting Shut = "waiting"
	// ShutUnseen says: local changes were pushed, and the stream has not come to them yet.
	ShutUnseen Shut = "unseen"
	// ShutVoid says: operations came since, so that only the next complete checkpoint can be applied.
	ShutVoid Shut = "void"
)
