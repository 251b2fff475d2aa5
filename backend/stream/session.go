package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// Buffered is how much of a checkpoint is read in one moment, in bytes of lines.
const buffered = 2 << 20

// session is one client's stream.
type session struct {
	server    *Server
	principal Principal
	token     string
	verified  time.Time // when the token was last
	request   wire.Request
	who       map[string]string // see rules.Definition.Who
	choice    choice
	sleeper   *sleeper

	wire     *wire.Session
	head     oplog.Head
	watched  map[string]bool // the buckets of the person, by their names in the log
	lines    []byte
	groups   []wire.Group
	complete bool // the checkpoint in hand
}

// errCut ends a stream without a proper end: the client must connect again.
var errCut = errors.New("the stream is cut")

func (s *Server) newSession(p Principal, token string, request wire.Request, sleeper *sleeper) *session {
	chosen := choose(s.config.Rules.Streams, request)
	return &session{server: s, principal: p, token: token, verified: time.Now(), request: request, who: s.config.Rules.Who(p.Claims), choice: chosen,
		sleeper: sleeper, wire: wire.NewSession(chosen.listed)}
}

// advance brings the client to where the log is: it appends the lines, and hands those that do not fit to flush. The
// last lines, at least, are left in s.lines.
func (s *session) advance(ctx context.Context, flush func() error) error {
	for whole := s.head.Epoch == 0; ; {
		if err := s.look(ctx, whole); err != nil {
			return err
		}
		if s.complete {
			return nil
		}
		broken, err := s.pump(ctx, s.server.store, func() error { return s.pass(ctx, flush) })
		if err != nil && !errors.Is(err, errNews) {
			return err
		}
		if s.complete {
			return nil
		}
		whole = broken
	}
}

// What can happen between two parts of a long download.
var (
	errNews    = errors.New("a commit concerns the client")
	errExpired = errors.New("the token has expired")
)

// pass hands lines to flush and looks up from the download: at commits, so that what is urgent need not wait for the end
// of it, at the end of the token, and at that of the server.
func (s *session) pass(ctx context.Context, flush func() error) error {
	if err := flush(); err != nil {
		return err
	}
	if err := s.mayGoOn(ctx); err != nil {
		return err
	}
	select {
	case <-s.sleeper.ended:
		return errCut
	case <-s.sleeper.wake:
		return errNews
	default:
		return nil
	}
}

// look reads the log in one moment, announces what changed, and begins to send it.
func (s *session) look(ctx context.Context, whole bool) error {
	ask := oplog.Ask{Since: s.head.Seq, Who: s.who, Subject: s.principal.Subject, Client: s.request.ClientID}
	if whole {
		ask.Since = -1
	}
	return s.server.store.Read(ctx, ask, func(r *oplog.Reader) error {
		if s.head.Epoch != 0 && r.Epoch != s.head.Epoch {
			return errCut
		}
		announced, err := s.announce(ctx, r)
		if err != nil {
			return err
		}
		s.head = r.Head
		if !announced && s.complete {
			return nil
		}
		s.groups, s.complete = s.wire.Groups(), false
		_, err = s.pump(ctx, r, nil)
		return err
	})
}

// announce appends the checkpoint or what changed since; from the changes alone where that is possible.
func (s *session) announce(ctx context.Context, r *oplog.Reader) (announced bool, err error) {
	if r.Told && !r.Access {
		s.lines, announced = s.wire.Change(s.lines, r.LastOp, r.Reached, s.named(r.Head, r.Changed))
		return announced, nil
	}
	listings, err := s.list(ctx, r)
	if err != nil {
		return false, err
	}
	s.lines, announced = s.wire.Begin(s.lines, r.LastOp, r.Reached, listings)
	return announced, nil
}

func (s *session) named(h oplog.Head, states map[string]wire.State) map[string]wire.State {
	mine := map[string]wire.State{}
	for name, state := range states {
		if s.watched[name] {
			mine[h.Name(name)] = state
		}
	}
	return mine
}

// list reads every bucket that the person sees.
func (s *session) list(ctx context.Context, r *oplog.Reader) ([]wire.Listing, error) {
	granted, err := r.Granted(ctx, s.who)
	if err != nil {
		return nil, err
	}
	visible := s.server.config.Rules.Visible(s.choice.streams, s.principal.Claims, granted)
	if len(visible) > s.server.config.MaxBuckets {
		return nil, errBuckets
	}
	names := make([]string, len(visible))
	for i, v := range visible {
		names[i] = v.Bucket
	}
	states, err := r.Buckets(ctx, names)
	if err != nil {
		return nil, err
	}
	s.watch(r.Head, names)
	return s.listings(r.Head, visible, states), nil
}

func (s *session) listings(h oplog.Head, visible []rules.Visible, states map[string]wire.State) []wire.Listing {
	all := make([]wire.Listing, len(visible))
	for i, v := range visible {
		name := h.Name(v.Bucket)
		all[i] = wire.Listing{Name: name, Priority: s.choice.priority[v.Stream], Why: s.choice.why[v.Stream],
			After: s.request.Positions[name], State: states[v.Bucket]}
	}
	return all
}

// watch tells the hub what to wake the session for.
func (s *session) watch(h oplog.Head, names []string) {
	s.watched = make(map[string]bool, len(names))
	for _, name := range names {
		s.watched[name] = true
	}
	access := map[[2]string]bool{}
	for lookup, person := range s.who {
		access[[2]string{lookup, person}] = true
	}
	s.server.hub.watch(s.sleeper, h, s.watched, access, [2]string{s.principal.Subject, s.request.ClientID})
}

// reader is where operations come from: the log as of one moment, or as it is at each call.
type reader interface {
	Ops(ctx context.Context, bucket int, after, upTo int64) (oplog.Part, error)
}

// pump appends what the checkpoint in hand still has to say. Without a flush it stops when enough is buffered. Broken
// means that the checkpoint cannot be completed any more.
func (s *session) pump(ctx context.Context, from reader, flush func() error) (broken bool, err error) {
	for len(s.groups) > 0 {
		for _, b := range s.groups[0].Buckets {
			for b.HasNews() {
				if len(s.lines) >= buffered {
					if flush == nil {
						return false, nil
					}
					if err := flush(); err != nil {
						return false, err
					}
				}
				if broken, err := s.send(ctx, from, b); broken || err != nil {
					return broken, err
				}
			}
		}
		s.lines = s.wire.End(s.lines, s.groups[0])
		s.groups = s.groups[1:]
	}
	s.complete = true
	return false, nil
}

// send appends one line of a bucket's operations.
func (s *session) send(ctx context.Context, from reader, b *wire.Bucket) (broken bool, err error) {
	part, err := from.Ops(ctx, b.ID, b.After, s.wire.LastOp())
	if err != nil || part.Broken {
		return part.Broken, err
	}
	if len(part.Ops) == 0 {
		return false, fmt.Errorf("bucket %d has nothing between %d and %d", b.ID, b.After, b.LastOp)
	}
	last := part.Ops[len(part.Ops)-1].ID
	all := last >= b.LastOp
	s.lines = wire.AppendData(s.lines, b.Name, b.After, !all, s.request.Raw, part.Ops)
	b.Sent(last, all)
	return false, nil
}
