package postgres

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// Push applies a batch in one transaction; see backend.Store and the package documentation.
func (s *Store) Push(ctx context.Context, p backend.Principal, b pushapi.Batch) ([]pushapi.Result, error) {
	if p.Machine != b.MachineID {
		return nil, backend.Errorf(backend.Denied, "The token was made for another machine.")
	}
	ctx, end := s.trace.Start(ctx, "push")
	var results []pushapi.Result
	err := s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		q := s.newPush(tx, p, b)
		err := q.run(ctx)
		results = q.results
		if err == nil {
			err = carry(ctx, tx, s.trace.Carry(ctx))
		}
		return err
	})
	end(err)
	if err == nil {
		return results, nil
	}
	var known *backend.Error
	if errors.As(err, &known) {
		return nil, known
	}
	return nil, backend.Errorf(backend.Unavailable, "The database could not take the changes now.").Wrap(scrub(err))
}

// push is one batch in its transaction.
type push struct {
	*Store
	tx      pgx.Tx
	p       backend.Principal
	batch   pushapi.Batch
	reader  *reader
	results []pushapi.Result // by group of the batch
	known   map[int64]*entry // the ledger's lines of these groups
	pending []*pending
	lost    []lost
	stop    int // the group of the batch that is to be sent again, as all after it
}

// pending is a group to be applied: of the batch, or with the parts that came before.
type pending struct {
	index   int // of the group in the batch
	number  int64
	digests []byte
	parts   []part           // as received
	named   []pushapi.Change // all that its parts have, for the answer
	changes []change
	why     *rejection // once it is decided that it will not be applied
}

func (p *pending) refused() bool { return p.why != nil }

// part is a group's bytes, or a part's.
type part struct {
	number int
	digest []byte
	raw    []byte
}

func (s *Store) newPush(tx pgx.Tx, p backend.Principal, b pushapi.Batch) *push {
	return &push{Store: s, tx: tx, p: p, batch: b, results: make([]pushapi.Result, len(b.Groups)), stop: len(b.Groups),
		reader: &reader{tables: s.tables, now: s.now(), client: b.ClientID}}
}

func (q *push) run(ctx context.Context) error {
	if err := q.begin(ctx); err != nil || q.stop == 0 {
		return err
	}
	for i := range q.batch.Groups {
		g := &q.batch.Groups[i]
		q.results[i] = pushapi.Result{Group: g.Number, Part: g.Part}
		if i > q.stop {
			q.retry(i, pushapi.NotTried, notTried)
			continue
		}
		if err := q.sort(ctx, i, g); err != nil {
			return err
		}
	}
	if err := q.applyPending(ctx); err != nil {
		return err
	}
	return q.finish(ctx)
}

const notTried = "Something before it is to be sent again first."

func (q *push) retry(i int, code pushapi.Code, message string) {
	q.stop = min(q.stop, i)
	q.results[i].Status, q.results[i].Code, q.results[i].Message = pushapi.Retry, code, message
}

// sort decides what a group is: known, another one under its number, a part, unreadable, too new, or to be applied.
func (q *push) sort(ctx context.Context, i int, g *pushapi.Group) error {
	digest := digestOf(g.Raw)
	if e := q.known[g.Number]; e != nil {
		return q.again(ctx, i, g, e, digest)
	}
	p := &pending{index: i, number: g.Number, digests: digest, parts: []part{{g.Part, digest, g.Raw}}}
	if g.Parts > 0 {
		whole, err := q.stage(ctx, i, g, p)
		if err != nil || !whole {
			return err
		}
	} else {
		p.read(q.reader, g)
	}
	if p.why != nil && p.why.code == pushapi.UnknownName && q.batch.SchemaVersion > pushapi.SchemaVersion {
		q.retry(i, pushapi.SchemaAhead, "The server does not know these tables yet.")
		return nil
	}
	q.pending = append(q.pending, p)
	return nil
}

// read makes typed changes of a group's, after those that p has.
func (p *pending) read(r *reader, g *pushapi.Group) {
	p.named = append(p.named, g.Changes...)
	if g.Fault != "" && p.why == nil {
		p.why = &rejection{code: pushapi.Malformed, message: g.Fault, change: -1}
	}
	if p.why != nil {
		return
	}
	changes, why := r.group(p.index, g.Changes)
	if why != nil {
		why.change += len(p.changes)
		p.why = why
	}
	for i := range changes {
		changes[i].at.change += len(p.changes)
	}
	p.changes = append(p.changes, changes...)
}

// applyPending tries all groups at once, and one by one when that fails.
func (q *push) applyPending(ctx context.Context) error {
	var all []change
	fine := 0
	for _, p := range q.pending {
		if p.why == nil {
			all = append(all, p.changes...)
			fine++
		}
	}
	if fine > 1 {
		done, err := q.try(ctx, all)
		if err == nil {
			q.lost = append(q.lost, done...)
			return nil
		}
		var r *rejection
		if !errors.As(err, &r) && judge(err) == later {
			return err
		}
	}
	for _, p := range q.pending {
		if err := q.applyOne(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// try applies changes behind a savepoint. Nearly all puts make new rows, and asking for them plainly is a third faster than
// with ON CONFLICT; so that is tried first.
func (q *push) try(ctx context.Context, changes []change) ([]lost, error) {
	folded := fold(changes)
	done, err := q.attemptOnce(ctx, folded, true)
	if isThere(err) {
		done, err = q.attemptOnce(ctx, folded, false)
	}
	return done, err
}

func (q *push) attemptOnce(ctx context.Context, folded map[*table][]*net, isNew bool) ([]lost, error) {
	var done []lost
	err := pgx.BeginFunc(ctx, q.tx, func(tx pgx.Tx) error {
		a := &applier{tx: tx, p: q.p, client: q.batch.ClientID, new: isNew}
		err := a.apply(ctx, q.order, folded)
		done = a.lost
		return err
	})
	return done, err
}

func (q *push) applyOne(ctx context.Context, p *pending) error {
	if p.index > q.stop {
		q.retry(p.index, pushapi.NotTried, notTried)
		return nil
	}
	if p.refused() {
		return nil
	}
	done, err := q.try(ctx, p.changes)
	if err != nil {
		return q.refused(ctx, p, err)
	}
	q.lost = append(q.lost, done...)
	return nil
}

// refused decides a group that could not be applied.
func (q *push) refused(ctx context.Context, p *pending, cause error) error {
	if errors.As(cause, &p.why) {
		return nil // decided, so no error
	}
	switch judge(cause) {
	case later:
		return cause
	case never:
		p.why = explain(cause)
		return nil
	case unknown:
		return q.unexplained(ctx, p, cause)
	}
	return cause
}

// patience is how often a group may fail for an unknown reason before it is put aside, so that it blocks nothing for ever.
const patience = 5

func (q *push) unexplained(ctx context.Context, p *pending, cause error) error {
	q.log.LogAttrs(ctx, slog.LevelError, "a group failed for an unknown reason", slog.String("sqlstate", stateOf(cause)),
		slog.String("client_id", q.batch.ClientID), slog.Int64("group", p.number))
	attempts, err := q.attempt(ctx, p.number)
	if err != nil {
		return err
	}
	if attempts < patience {
		q.retry(p.index, pushapi.Trouble, "It failed for a reason that may pass.")
		return nil
	}
	p.why = &rejection{code: pushapi.Unknown, message: "It failed many times for a reason that the server does not know.", change: -1}
	return nil
}
