package powersync

import (
	"maps"
	"slices"
)

// prefetch is how many seconds before its end a token is to be replaced.
const prefetch = 30

// Config is what a machine starts from.
type Config struct {
	// ClientID is sent with the request. Write checkpoints come only to the client that asked for them.
	ClientID string
	// Buckets is what the owner of the rows has. The machine does not change it.
	Buckets []Bucket
	// Subscriptions are streams beside those that are sent unasked.
	Subscriptions []Subscription
	// Metadata is told to the server for its logs.
	Metadata map[string]string
	// AllowNothing lets the server take the last bucket away.
	AllowNothing bool
}

// Machine follows one stream. It belongs to one goroutine.
type Machine struct {
	cfg     Config
	have    map[string]*Bucket
	target  checkpoint
	ops     []Op
	out     []Instruction
	warned  bool // Fetch was said
	over    bool // Reconnect was said
	covered int64
}

// checkpoint is the one that the stream is on its way to.
type checkpoint struct {
	known   bool
	lastOp  int64
	request int64
	listed  []Listing
	index   map[string]int // of listed
}

// New is a machine for the next stream.
func New(cfg Config) *Machine {
	m := &Machine{cfg: cfg, have: make(map[string]*Bucket, len(cfg.Buckets))}
	for _, b := range cfg.Buckets {
		m.have[b.Name] = &b
	}
	return m
}

// Line takes one line of the stream, with or without its end, and returns what is to be done. It changes text, to which the
// operations of the result refer: both are valid until the next call. A text of nothing but white space is no line.
func (m *Machine) Line(text []byte) []Instruction {
	clear(m.out)
	m.out = m.out[:0]
	if m.over || blank(text) {
		return nil
	}
	l, err := parse(text, m.ops)
	m.ops = l.ops
	if err != nil {
		m.leave(ReasonBroken)
		return m.out
	}
	m.follow(l)
	return m.out
}

// End takes the end of the stream, with or without an error of the connection.
func (m *Machine) End() []Instruction {
	if m.over {
		return nil
	}
	m.over = true
	return []Instruction{Reconnect{ReasonEnded}}
}

func blank(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool { return c != ' ' && c != '\t' && c != '\r' && c != '\n' })
}

func (m *Machine) say(i Instruction) { m.out = append(m.out, i) }

func (m *Machine) leave(why Reason) {
	m.over = true
	m.say(Reconnect{why})
}

func (m *Machine) follow(l line) {
	switch l.kind {
	case lineCheckpoint:
		m.checkpoint(l)
	case lineDiff:
		m.diff(l)
	case lineData:
		m.data(l)
	case linePartial:
		m.complete(l, false)
	case lineComplete:
		m.complete(l, true)
	case lineToken:
		m.token(l.seconds)
	case lineOther:
	}
}

func (m *Machine) checkpoint(l line) {
	m.target = checkpoint{known: true, lastOp: l.lastOp, request: l.request, index: map[string]int{}}
	m.list(l.listings)
	for _, name := range slices.Sorted(maps.Keys(m.have)) {
		if _, listed := m.target.index[name]; !listed {
			m.forget(name)
		}
	}
	m.announced()
}

// forget begins a bucket anew that is not listed: should it come back, it comes from its beginning.
func (m *Machine) forget(name string) {
	if b := m.have[name]; b != nil && *b != (Bucket{Name: name}) {
		m.restart(name, Bucket{Name: name})
	}
}

// diff changes the checkpoint that was announced last. Without one the line makes no sense, and the next stream will begin
// with one.
func (m *Machine) diff(l line) {
	if !m.target.known {
		m.leave(ReasonBroken)
		return
	}
	m.target.lastOp = l.lastOp
	m.target.listed = slices.Clone(m.target.listed)     // an Apply has the one before
	m.target.request = max(m.target.request, l.request) // absent is no reset
	for _, name := range l.removed {
		m.remove(name)
	}
	m.list(l.listings)
	m.announced()
}

func (m *Machine) list(listings []Listing) {
	t := &m.target
	for _, b := range listings {
		if at, listed := t.index[b.Name]; listed {
			t.listed[at] = b
			continue
		}
		t.index[b.Name] = len(t.listed)
		t.listed = append(t.listed, b)
	}
}

// remove takes a bucket out of the checkpoint.
func (m *Machine) remove(name string) {
	t := &m.target
	at, listed := t.index[name]
	if !listed {
		return
	}
	last := len(t.listed) - 1
	t.listed[at] = t.listed[last]
	t.index[t.listed[at].Name] = at
	t.listed = t.listed[:last]
	delete(t.index, name)
	m.forget(name)
}

// announced looks at a checkpoint before anything comes of it.
func (m *Machine) announced() {
	if len(m.target.listed) == 0 && len(m.cfg.Buckets) > 0 && !m.cfg.AllowNothing {
		m.out = m.out[:0] // nothing is to be restarted on the word of such an answer
		m.leave(ReasonNothingListed)
		return
	}
	m.advance()
}

func (m *Machine) restart(name string, to Bucket) {
	m.have[name] = &to
	m.say(Restart{to})
}

func (m *Machine) bucket(name string) *Bucket {
	b := m.have[name]
	if b == nil {
		b = &Bucket{Name: name}
		m.have[name] = b
	}
	return b
}

// data stores operations. A Clear among them makes void what is before it, and begins the bucket anew with a sum that stands
// for all of that.
func (m *Machine) data(l line) {
	at, listed := m.target.index[string(l.bucket)]
	if !listed {
		return
	}
	name := m.target.listed[at].Name
	b := m.bucket(name)
	rest := l.ops
	for i, o := range l.ops {
		b.Got++
		b.Position = o.ID
		b.Checksum += o.Checksum
		if o.Kind != Clear {
			continue
		}
		rest = l.ops[i+1:]
		m.restart(name, Bucket{Name: name, Position: o.ID, Checksum: o.Checksum, Known: b.Known, Got: b.Got})
		b = m.have[name]
	}
	b.Position = max(b.Position, l.lastOp)
	m.store(b, rest)
	m.advance()
}

func (m *Machine) store(b *Bucket, ops []Op) {
	if len(ops) > 0 {
		m.say(Store{*b, ops})
	}
}

// complete looks whether what came adds up. Of a priority it needs nothing but its buckets.
func (m *Machine) complete(l line, all bool) {
	if !m.target.known {
		m.leave(ReasonBroken)
		return
	}
	a := Apply{LastOp: l.lastOp, All: all, Priority: l.priority, Listed: m.target.listed}
	if !m.adds(a) {
		m.leave(ReasonChecksum)
		return
	}
	for _, b := range a.Listed {
		if a.Covers(b) {
			m.settle(b, l.lastOp, all)
		}
	}
	if all {
		m.settled(&a)
	}
	m.say(a)
}

// adds compares the sums and restarts what does not add up.
func (m *Machine) adds(a Apply) bool {
	good := true
	for _, l := range a.Listed {
		if b := m.bucket(l.Name); a.Covers(l) && b.Checksum != l.Checksum {
			m.restart(l.Name, Bucket{Name: l.Name})
			good = false
		}
	}
	return good
}

func (m *Machine) settle(l Listing, lastOp int64, all bool) {
	b := m.bucket(l.Name)
	b.Position = lastOp
	if all {
		b.Known, b.Got = l.Count, 0
	}
}

// settled is the end of a whole checkpoint.
func (m *Machine) settled(a *Apply) {
	for name := range m.have {
		if _, listed := m.target.index[name]; !listed {
			delete(m.have, name)
		}
	}
	m.covered = max(m.covered, m.target.request)
	a.WriteCheckpoint = m.covered
	m.advance()
}

func (m *Machine) token(seconds int64) {
	switch {
	case seconds <= 0:
		m.leave(ReasonExpired)
	case seconds <= prefetch && !m.warned:
		m.warned = true
		m.say(Fetch{seconds})
	}
}

// advance says how far the checkpoint has come, if there is anything to come.
func (m *Machine) advance() {
	var a Advance
	for _, l := range m.target.listed {
		b, known := m.have[l.Name]
		if !known {
			a.Total += l.Count
			continue
		}
		total := max(l.Count-b.Known, 0)
		a.Total += total
		a.Done += min(b.Got, total)
	}
	if a.Total > 0 {
		m.say(a)
	}
}
