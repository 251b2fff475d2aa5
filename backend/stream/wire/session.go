package wire

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// Bucket is a bucket as a client sees it.
type Bucket struct {
	Name     string // as on the wire
	Priority int
	Why      string // the subscriptions it stands for, as JSON without the brackets
	State
	After   int64 // the last operation sent to the client, or had by it
	pending bool  // nothing was sent for it since it was last announced
}

// State is what the log says about a bucket at some point.
type State struct {
	ID       int // the log's number of the bucket, 0 while it never had an operation
	Checksum uint32
	Count    int64
	LastOp   int64
}

// Session is what one client was told. It is not safe for concurrent use.
type Session struct {
	lastOp  int64
	request string // the last write checkpoint told
	begun   bool
	buckets map[string]*Bucket
	streams []Stream
}

// NewSession returns the state of a client that was told nothing yet.
func NewSession(streams []Stream) *Session {
	return &Session{buckets: map[string]*Bucket{}, streams: streams}
}

// Listing is one bucket of a new checkpoint.
type Listing struct {
	Name     string
	Priority int
	Why      string
	After    int64 // where the client is, used only for a bucket that is new to the session
	State
}

// Begin appends the checkpoint line, or a diff in its place, that makes the client's buckets those listed. It appends
// nothing where nothing has changed, and says whether it did append.
func (s *Session) Begin(dst []byte, lastOp int64, request string, all []Listing) ([]byte, bool) {
	listed := make(map[string]bool, len(all))
	updated := make([]*Bucket, 0, 8)
	for _, l := range all {
		listed[l.Name] = true
		if b := s.take(l); b != nil {
			updated = append(updated, b)
		}
	}
	var removed []string
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		if !listed[name] {
			removed = append(removed, name)
			delete(s.buckets, name)
		}
	}
	return s.announce(dst, lastOp, request, removed, updated)
}

// Change is as Begin for buckets that are listed already; the others stay as they are.
func (s *Session) Change(dst []byte, lastOp int64, request string, changed map[string]State) ([]byte, bool) {
	var updated []*Bucket
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if b, known := s.buckets[name]; known && b.set(changed[name]) {
			updated = append(updated, b)
		}
	}
	return s.announce(dst, lastOp, request, nil, updated)
}

func (s *Session) take(l Listing) *Bucket {
	b, known := s.buckets[l.Name]
	if !known {
		b = &Bucket{Name: l.Name, Priority: l.Priority, Why: l.Why, State: l.State, After: l.After, pending: true}
		s.buckets[l.Name] = b
		return b
	}
	if !b.set(l.State) {
		return nil
	}
	return b
}

func (b *Bucket) set(to State) bool {
	changed := b.Checksum != to.Checksum || b.Count != to.Count
	b.State = to
	b.pending = b.pending || changed
	return changed
}

func (s *Session) announce(dst []byte, lastOp int64, request string, removed []string, updated []*Bucket) ([]byte, bool) {
	if s.begun && len(removed)+len(updated) == 0 && request == s.request {
		return dst, false // the checkpoint in hand goes on as it was announced
	}
	s.lastOp, s.request = lastOp, request
	if s.begun {
		return appendDiff(dst, lastOp, request, removed, updated), true
	}
	s.begun = true
	return appendCheckpoint(dst, lastOp, request, updated, s.streams), true
}

// LastOp is the operation that the checkpoint in hand reaches.
func (s *Session) LastOp() int64 { return s.lastOp }

// Has says whether a bucket is listed.
func (s *Session) Has(name string) bool { return s.buckets[name] != nil }

// Group is the buckets of one priority that a checkpoint still has to send.
type Group struct {
	Priority int
	Last     bool // the checkpoint is complete after it
	Buckets  []*Bucket
}

// Groups are the buckets that may have something to send, the most urgent priority first. There is always one.
func (s *Session) Groups() []Group {
	byPriority := map[int][]*Bucket{}
	for _, b := range s.buckets {
		if b.pending {
			byPriority[b.Priority] = append(byPriority[b.Priority], b)
		}
	}
	var groups []Group
	for _, priority := range slices.Sorted(maps.Keys(byPriority)) {
		buckets := byPriority[priority]
		slices.SortFunc(buckets, func(a, b *Bucket) int { return cmp.Compare(a.Name, b.Name) })
		groups = append(groups, Group{Priority: priority, Buckets: buckets})
	}
	if len(groups) == 0 {
		groups = []Group{{}}
	}
	groups[len(groups)-1].Last = true
	return groups
}

// HasNews says whether the log has an operation of the bucket that the client has not.
func (b *Bucket) HasNews() bool { return b.LastOp > b.After }

// Sent notes that the bucket's operations up to one were sent, and whether those were all.
func (b *Bucket) Sent(last int64, all bool) {
	b.After = max(b.After, last)
	b.pending = b.pending && !all
}

// End appends the line that ends a group.
func (s *Session) End(dst []byte, g Group) []byte {
	if g.Last {
		return appendComplete(dst, s.lastOp)
	}
	return appendPartial(dst, s.lastOp, g.Priority)
}

// DefaultWhy is the reason for a bucket of the default stream at an index of the streams; AskedWhy for one that the
// client asked for, by the index of what it asked for.
func DefaultWhy(stream int) string { return `{"default":` + strconv.Itoa(stream) + `}` }

// AskedWhy is described with DefaultWhy.
func AskedWhy(subscription int) string { return `{"sub":` + strconv.Itoa(subscription) + `}` }
