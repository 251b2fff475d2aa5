package cloud

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// puller follows the stream. It belongs to one goroutine, but for leave, reached and touched.
type puller struct {
	cfg   Config
	link  *link
	board *board

	reached *progressed // the newest write checkpoint that is applied
	touched touched
	shown   chan struct{} // holds one: a whole checkpoint was shown
	client  atomic.Value  // string: of the open stream
	allow   bool          // the server may take the last bucket away
	fetchMu sync.Mutex
	wanted  []chan struct{} // closed when every row is being fetched again
	anew    bool            // the last stream was left because of checksums
	showed  time.Time       // when a checkpoint was shown last
	stored  int             // what the newest Apply shows of touched
}

// touched collects the tables that operations came for, or that are not what came yet: operations are stored first, and shown
// by a later instruction.
type touched struct {
	mu     sync.Mutex
	stores int            // how often something was stored
	tables map[string]int // the last of these that had operations of a table
	shown  int            // all up to that one are shown
	taken  int            // all up to that one were shown at the last take
}

func (t *touched) add(ops []powersync.Op) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stores++
	for _, o := range ops {
		if t.tables[string(o.Table)] != t.stores {
			t.tables[string(o.Table)] = t.stores
		}
	}
}

// stored is where the tables stand now, for show.
func (t *touched) stored() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stores
}

// show notes that all that was stored by then is shown.
func (t *touched) show(stored int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shown = stored
}

// take returns the tables for which something came, or was shown, since the last call.
func (t *touched) take() map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tables := map[string]bool{}
	for name, last := range t.tables {
		if last > t.taken {
			tables[name] = true
		}
	}
	t.taken = t.shown
	return tables
}

func newPuller(c Config, l *link, b *board, reached *progressed) *puller {
	return &puller{cfg: c, link: l, board: b, reached: reached, shown: make(chan struct{}, 1),
		touched: touched{tables: map[string]int{}}}
}

// stream is an open one.
type stream struct {
	*lines
	machine *powersync.Machine
	client  string
	token   string
	cancel  context.CancelCauseFunc
}

func (s *stream) close() {
	s.cancel(nil)
	s.lines.close()
}

// left is why a stream was left, when it did not fail.
type left struct {
	reason powersync.Reason
	token  string // that the stream was opened with
}

func (l left) Error() string { return "the stream was left: " + string(l.reason) }

// anewWith has the next stream begin with nothing; asked is closed when it is on its way.
func (p *puller) anewWith(asked chan struct{}) {
	p.fetchMu.Lock()
	defer p.fetchMu.Unlock()
	p.wanted = append(p.wanted, asked)
}

// refetch has every row come again, if that was asked for.
func (p *puller) refetch(ctx context.Context) error {
	p.fetchMu.Lock()
	defer p.fetchMu.Unlock()
	if len(p.wanted) == 0 {
		return nil
	}
	if err := p.cfg.File.Refetch(ctx); err != nil {
		return err
	}
	for _, asked := range p.wanted {
		close(asked)
	}
	p.wanted = nil
	return nil
}

// open asks for a stream from where the file is.
func (p *puller) open(ctx context.Context) (*stream, error) {
	if err := p.refetch(ctx); err != nil {
		return nil, err
	}
	p.board.change(func(_ *app.CloudStatus, d *doing) {
		if d.opening.IsZero() {
			d.opening = p.cfg.Now()
		}
	})
	capture, err := p.cfg.File.Capture(ctx)
	if err != nil {
		return nil, err
	}
	buckets, err := p.cfg.File.Buckets(ctx)
	if err != nil {
		return nil, err
	}
	machine := powersync.New(powersync.Config{ClientID: capture.ClientID, Buckets: buckets, AllowNothing: p.allow,
		Metadata: map[string]string{"program": "coditect-sync", "version": p.cfg.Version}})
	body, err := machine.Request()
	if err != nil {
		return nil, err
	}
	return p.connect(ctx, machine, capture.ClientID, body)
}

func (p *puller) connect(ctx context.Context, machine *powersync.Machine, client string, body []byte) (*stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	silent := func() { cancel(errSilent) }
	timer := time.AfterFunc(p.cfg.pace.answer, silent) // for the header
	answer, err := p.link.do(ctx, http.MethodPost, p.cfg.Stream+"/sync/stream", bytes.NewReader(body),
		"Accept", "application/x-ndjson", "Accept-Encoding", "zstd, gzip;q=0.5")
	if !timer.Stop() && err == nil {
		_ = answer.Body.Close()
		err = unreachable(ctx, errSilent)
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	in, err := newLines(answer, p.cfg.pace.silence, silent)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	p.client.Store(client)
	return &stream{lines: in, machine: machine, client: client, token: bearer(answer.Request), cancel: cancel}, nil
}

// bearer is the token that a request had.
func bearer(r *http.Request) string {
	if r == nil {
		return ""
	}
	_, token, _ := bytes.Cut([]byte(r.Header.Get("Authorization")), []byte(" "))
	return string(token)
}

// follow opens a stream and carries out what comes, handing over to another one before each token ends, until that fails or
// is to begin anew. It never returns nil.
func (p *puller) follow(ctx context.Context) error {
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { s.close() }()
	var next chan error       // of a new token that is being fetched
	var held *powersync.Apply // put off, because more is here already
	for first := true; ; first = false {
		text, err := s.next()
		if err != nil {
			return p.broken(ctx, s, err)
		}
		if first {
			p.connected()
		}
		for _, i := range s.machine.Line(text) {
			if f, is := i.(powersync.Fetch); is {
				next = p.fetch(ctx, f, next)
				continue
			}
			if a, is := i.(powersync.Apply); is {
				held, p.stored = &a, p.touched.stored()
				continue
			}
			if err := p.carryOut(ctx, s, i); err != nil {
				return err
			}
		}
		if held != nil && (!s.more() || time.Since(p.showed) > holdFor) {
			if err := p.apply(ctx, s, *held); err != nil {
				return err
			}
			held, p.showed = nil, time.Now()
		}
		select {
		case err := <-next:
			next = nil
			if err == nil {
				s = p.handOver(ctx, s)
			}
		default:
		}
	}
}

// holdFor is how long checkpoints are put off while later ones are here already: where others write faster than each of their
// checkpoints could be shown here, several are shown at once, and this machine does not fall behind.
const holdFor = 250 * time.Millisecond

// fetch gets the next token while the stream goes on.
func (p *puller) fetch(ctx context.Context, f powersync.Fetch, under chan error) chan error {
	if under != nil {
		return under
	}
	p.cfg.Logger.Debug("token ends soon", "seconds", f.Seconds)
	done := make(chan error, 1)
	go func() { // limited by the link
		_, err := p.link.token(ctx)
		done <- err
	}()
	return done
}

// handOver opens the next stream and leaves this one; where that fails this one goes on. Nothing is read from this one
// meanwhile, so the next begins just where it was left.
func (p *puller) handOver(ctx context.Context, s *stream) *stream {
	next, err := p.open(ctx)
	p.board.change(func(_ *app.CloudStatus, d *doing) { d.opening = time.Time{} })
	if err != nil {
		p.cfg.Logger.Warn("no stream with the next token yet", "error", err)
		return s
	}
	s.close()
	return next
}

func (p *puller) connected() {
	p.board.change(func(s *app.CloudStatus, d *doing) {
		s.Connected, d.opening, d.down = true, time.Time{}, trouble{}
	})
	p.board.setFault(partPull, nil)
}

// broken says why a stream cannot be read further.
func (p *puller) broken(ctx context.Context, s *stream, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for range s.machine.End() {
		p.cfg.Logger.Debug("the stream ended", "error", err)
	}
	if errors.Is(err, errLongLine) {
		return &refusal{kind: later, status: http.StatusOK, cause: portal, err: err}
	}
	return left{powersync.ReasonEnded, s.token}
}

// carryOut does what the machine says.
func (p *puller) carryOut(ctx context.Context, s *stream, i powersync.Instruction) error {
	switch i := i.(type) {
	case powersync.Store:
		p.touched.add(i.Ops)
		return p.cfg.File.Store(ctx, i)
	case powersync.Restart:
		return p.cfg.File.Restart(ctx, i)
	case powersync.Advance:
		p.advance(i)
	case powersync.Reconnect:
		p.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "stream left", slog.String("reason", string(i.Reason)))
		return left{i.Reason, s.token}
	}
	return nil
}

func (p *puller) advance(a powersync.Advance) {
	now := p.cfg.Now()
	p.board.change(func(_ *app.CloudStatus, d *doing) {
		if d.download.total == 0 {
			d.download.since = now
		}
		d.download.done, d.download.total = a.Done, a.Total
		if !d.first && a.Total < catchUp {
			d.download.since = now // too little to be shown
		}
	})
}

// catchUp is from how many operations on a download is shown as catching up.
const catchUp = 2000

// apply shows what came, slice by slice where it is much.
func (p *puller) apply(ctx context.Context, s *stream, a powersync.Apply) error {
	for {
		done, err := p.cfg.File.Apply(ctx, a)
		if err != nil {
			return err
		}
		if done.Kept > 0 {
			p.cfg.Logger.Warn("rows of this machine alone are in lost & found", "rows", done.Kept)
			p.board.change(func(s *app.CloudStatus, _ *doing) { s.Rejected += done.Kept })
		}
		switch {
		case done.Refetch:
			return left{powersync.ReasonChecksum, s.token}
		case done.More:
			p.slice(done)
		default:
			p.applied(a, done)
			return nil
		}
	}
}

// slice shows how far a long apply is.
func (p *puller) slice(a powersync.Applied) {
	p.board.change(func(_ *app.CloudStatus, d *doing) {
		d.download.done, d.download.total = a.Total-a.Left, max(a.Total, d.download.total)
		d.landed = p.cfg.Now()
	})
}

func (p *puller) applied(a powersync.Apply, done powersync.Applied) {
	now := p.cfg.Now()
	p.board.change(func(s *app.CloudStatus, d *doing) {
		if !done.Done {
			if d.shut.IsZero() {
				d.shut = now
			}
			return
		}
		d.landed = now
		if !a.All {
			return
		}
		if d.first {
			since := d.download.since
			if since.IsZero() { // nothing was to come
				since = now
			}
			p.cfg.Logger.Info("first sync done", "took", now.Sub(since).Round(time.Millisecond).String())
		}
		if done.Taken > 0 {
			s.Unshared = &app.Unshared{At: now, Rows: done.Taken}
		}
		s.LastSyncedAt, d.first, d.download, d.shut = now, false, work{}, time.Time{}
	})
	if done.Done && a.All {
		p.touched.show(p.stored)
		p.anew = false
		p.reached.set(a.WriteCheckpoint)
		poke(p.shown)
	}
}

// again says how soon another stream may be opened: at once, or after the pause of the retry.
func (p *puller) again(err error) (soon bool) {
	var l left
	if !errors.As(err, &l) {
		return false
	}
	switch l.reason {
	case powersync.ReasonChecksum: // but not twice in a row
		soon, p.anew = !p.anew, true
	case powersync.ReasonExpired, powersync.ReasonNothingListed:
		p.link.refuse(l.token)
	case powersync.ReasonEnded, powersync.ReasonBroken:
	}
	return soon
}

func (l left) sentence() string {
	switch l.reason {
	case powersync.ReasonNothingListed:
		return "The cloud says that this account has no rows at all, which is taken for a mistake of its."
	case powersync.ReasonChecksum:
		return "What came down did not add up and is fetched again."
	case powersync.ReasonBroken:
		return "Something that came from the cloud cannot be read."
	case powersync.ReasonExpired:
		return "The sign-in of this machine is being renewed."
	case powersync.ReasonEnded:
	}
	return "The cloud closed the connection."
}
