package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Uploader pushes and compares without ever pulling: `push --initial`, and the first steps of a move out of standalone
// mode. No Engine may run for the same file at the same time.
type Uploader struct {
	cfg   Config
	board *board
}

// NewUploader returns an Uploader. The error is CodeInvalid for a configuration that cannot be.
func NewUploader(c Config) (*Uploader, error) {
	c, err := c.ready()
	if err != nil {
		return nil, err
	}
	return &Uploader{cfg: c, board: newBoard(c)}, nil
}

// Run enrols the file where it is not, so that from then on every change is recorded; pushes all that waits; and compares
// every row of this machine with the cloud's, also where the account has rows of other machines. It goes on where it was
// interrupted, and a second call finds little to do. It blocks while offline, until ctx ends; report tells why.
//
// The server says whose a row is, whatever a program wrote into user_id; since nothing is pulled, that column is left out of
// the comparison, and only that. The result counts what was acknowledged and what went to lost & found. A proof that does
// not hold is returned with Equal false and no error. Rows that go on being written are pushed too, and compared again.
// CodeSignedOut means that a person has to sign in.
func (u *Uploader) Run(ctx context.Context, report func(app.Report)) (app.PushResult, error) {
	defer u.board.reports(report)()
	defer u.cfg.File.Rest()
	u.board.change(func(_ *app.CloudStatus, d *doing) { d.first = false })
	if err := enrol(ctx, u.cfg, u.board); err != nil {
		return app.PushResult{}, err
	}
	l := newLink(u.cfg)
	defer l.renew()
	p, err := newPusher(u.cfg, l, u.board, newProgressed())
	if err != nil {
		return app.PushResult{}, err
	}
	proof, err := u.prove(ctx, l, p)
	out := app.PushResult{Pushed: p.total.pushed, Rejected: p.total.rejected}
	if err != nil {
		return out, proofError(err)
	}
	out.Proof = &proof
	u.board.change(func(s *app.CloudStatus, _ *doing) { s.LastProof = &proof })
	return out, u.cfg.File.Forget(ctx)
}

// prove pushes and compares, until all is equal or what differs stays the same.
func (u *Uploader) prove(ctx context.Context, l *link, p *pusher) (app.Proof, error) {
	began := u.cfg.Now()
	var proof app.Proof
	for try := 0; try < proofTries; try++ {
		if err := u.drain(ctx, l, p); err != nil {
			return proof, err
		}
		before := proof.Problem
		u.board.change(func(_ *app.CloudStatus, d *doing) { d.proof = u.cfg.Now() })
		next, err := u.compare(ctx, l)
		u.board.change(func(_ *app.CloudStatus, d *doing) { d.proof = time.Time{} })
		if err != nil {
			return proof, err
		}
		if proof = next; proof.Equal || try > 0 && proof.Problem == before {
			break
		}
	}
	proof.At = u.cfg.Now()
	proof.Took = proof.At.Sub(began)
	return proof, nil
}

// compare holds every row against the cloud's.
func (u *Uploader) compare(ctx context.Context, l *link) (app.Proof, error) {
	tables, err := u.cfg.File.HashMemory(ctx)
	if err != nil {
		return app.Proof{}, err
	}
	var proof app.Proof
	var problems []string
	for _, t := range tables {
		d, err := l.differences(ctx, u.cfg.File, t.Table, true)
		if err != nil {
			return app.Proof{}, err
		}
		equal := d.here == d.there
		proof.Tables = append(proof.Tables, app.TableProof{Table: t.Table, Here: d.here.table(t.Table), There: d.there.table(t.Table), Equal: equal})
		if !equal {
			problems = append(problems, d.sentence(t.Table))
		}
	}
	sum(&proof)
	proof.Problem = strings.Join(problems, " ")
	return proof, nil
}

// drain pushes until nothing waits, however long that takes.
func (u *Uploader) drain(ctx context.Context, l *link, p *pusher) error {
	r := retry{pace: u.cfg.pace}
	for {
		err := l.signed(ctx, p.drain)
		if err == nil {
			u.board.change(func(_ *app.CloudStatus, d *doing) { d.up = trouble{} })
			u.board.setFault(partPush, nil)
			return nil
		}
		if ends(err) || ctx.Err() != nil {
			return err
		}
		next := r.failed(u.cfg.Now(), err)
		cause, offline := causeOf(err)
		u.board.change(func(_ *app.CloudStatus, d *doing) { d.up = trouble{cause, offline, r.since, next} })
		u.board.setFault(partPush, fault(err))
		if !sleep(ctx, r.wait(u.cfg.Now())) {
			return errors.Join(err, fmt.Errorf("stopped: %w", ctx.Err()))
		}
	}
}
