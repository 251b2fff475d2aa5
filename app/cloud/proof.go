package cloud

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// Comparing is what a proof needs of the file. All of it reads as of one moment, and blocks for as long as that takes.
type Comparing interface {
	// HashMemory hashes the tables of the context memory over the schema's columns, in the schema's order.
	HashMemory(ctx context.Context) ([]app.TableHash, error)
	// RowHashes calls fn with the id and the hash of each row of a table, in the order of ids. An error of fn ends it.
	RowHashes(ctx context.Context, table string, withoutOwner bool, fn func(id string, hash uint64) error) error
	// CaptureRows files rows as they are now, so that they go up, and returns how many of them there are.
	CaptureRows(ctx context.Context, table string, ids []string) (int, error)
}

// proofTries is how often tables that others write to are compared again.
const proofTries = 6

// Prove implements app.Syncer. It blocks while offline, until ctx ends.
func (e *Engine) Prove(ctx context.Context) (app.Proof, error) {
	s, err := e.session(ctx)
	if err != nil {
		return app.Proof{}, err
	}
	select {
	case e.proving <- struct{}{}:
		defer func() { <-e.proving }()
	case <-ctx.Done():
		return app.Proof{}, canceled(ctx.Err())
	}
	began := e.cfg.Now()
	e.board.change(func(_ *app.CloudStatus, d *doing) { d.proof = began })
	defer e.board.change(func(_ *app.CloudStatus, d *doing) { d.proof = time.Time{} })
	p, err := e.compare(ctx, s)
	if err != nil {
		return app.Proof{}, proofError(err)
	}
	e.proved(p)
	if differing := unequal(p); len(differing) > 0 {
		return e.cure(ctx, s, p, differing)
	}
	return p, nil
}

// proofError is an error that a caller can show.
func proofError(err error) error {
	if cause, offline := causeOf(err); offline {
		return app.Errorf(app.CodeUnreachable, "proof", "%s", cause).WithHint("Try again when this machine is online.").Wrap(err)
	}
	return app.AsError("proof", err)
}

// proved shows a proof.
func (e *Engine) proved(p app.Proof) {
	e.board.change(func(s *app.CloudStatus, _ *doing) {
		s.LastProof, s.NextProofAt = &p, p.At.Add(e.cfg.ProofEvery)
	})
	if p.Equal {
		e.board.setFault(partProof, nil)
		e.cfg.Logger.Info("proved", "rows", p.Rows, "took", p.Took.Round(time.Millisecond).String())
		return
	}
	e.cfg.Logger.Error("this machine and the cloud do not hold the same rows", "tables", strings.Join(unequal(p), " "))
}

// unequal are the tables that differ for good.
func unequal(p app.Proof) (names []string) {
	for _, t := range p.Tables {
		if !t.Equal && !t.Moving {
			names = append(names, t.Table)
		}
	}
	return names
}

// compare makes one proof. Tables that changed while they were compared are compared again.
func (e *Engine) compare(ctx context.Context, s *session) (app.Proof, error) {
	began := e.cfg.Now()
	var p app.Proof
	for try := 0; ; try++ {
		tables, err := e.round(ctx, s)
		if err != nil {
			return p, err
		}
		p.Tables = join(p.Tables, tables)
		moving := slices.ContainsFunc(p.Tables, func(t app.TableProof) bool { return t.Moving })
		if !moving || try+1 == proofTries {
			break
		}
		if !sleep(ctx, time.Duration(try+1)*e.cfg.pace.gather) {
			return p, canceled(ctx.Err())
		}
	}
	p.At = e.cfg.Now()
	p.Took = p.At.Sub(began)
	sum(&p)
	return p, nil
}

// join takes over what a later round says of tables that were moving.
func join(before, now []app.TableProof) []app.TableProof {
	if before == nil {
		return now
	}
	for i := range before {
		if before[i].Moving {
			before[i] = now[i]
		}
	}
	return before
}

// sum fills in what follows from the tables.
func sum(p *app.Proof) {
	p.Equal, p.Rows = true, 0
	var moving []string
	for _, t := range p.Tables {
		p.Rows += t.Here.Rows
		p.Equal = p.Equal && t.Equal
		if t.Moving {
			moving = append(moving, t.Table)
		}
	}
	if len(moving) > 0 {
		p.Problem = "Others wrote all the time to " + strings.Join(moving, ", ") + ", so that could not be compared."
	}
}

// round hashes here and there between two write checkpoints.
func (e *Engine) round(ctx context.Context, s *session) ([]app.TableProof, error) {
	if err := e.settled(ctx, s); err != nil {
		return nil, err
	}
	s.pull.touched.take()
	mark, _, err := e.cfg.File.QueueMark(ctx)
	if err != nil {
		return nil, err
	}
	here, err := e.cfg.File.HashMemory(ctx)
	if err != nil {
		return nil, err
	}
	there, err := s.link.proof(ctx)
	if err != nil {
		return nil, err
	}
	tables, same := pair(here, there)
	if same {
		return tables, nil
	}
	if err := e.settled(ctx, s); err != nil {
		return nil, err
	}
	now, _, err := e.cfg.File.QueueMark(ctx)
	if err != nil {
		return nil, err
	}
	came := s.pull.touched.take()
	for i, t := range tables {
		tables[i].Moving = !t.Equal && (came[t.Table] || now != mark)
	}
	return tables, nil
}

// settled waits until everything of this machine is in the cloud, and everything that the cloud had at the call is here.
func (e *Engine) settled(ctx context.Context, s *session) error {
	if err := e.Push(ctx); err != nil {
		return err
	}
	c, err := e.cfg.File.Capture(ctx)
	if err != nil {
		return err
	}
	var number int64
	err = s.link.signed(ctx, func(ctx context.Context) (err error) {
		number, err = s.marks.request(ctx, c.ClientID, nil)
		return err
	})
	if err != nil {
		return err
	}
	return e.await(ctx, e.reached, number)
}

// pair holds tables side by side.
func pair(here []app.TableHash, there []pushapi.TableHash) (tables []app.TableProof, same bool) {
	cloud := map[string]app.TableHash{}
	for _, t := range there {
		cloud[t.Table] = app.TableHash{Table: t.Table, Rows: t.Rows, Sum: t.Sum}
	}
	same = true
	for _, h := range here {
		t := app.TableProof{Table: h.Table, Here: h, There: cloud[h.Table]}
		t.Equal = t.Here == t.There
		tables, same = append(tables, t), same && t.Equal
	}
	return tables, same
}

// proof asks the server to hash what the account sees.
func (l *link) proof(ctx context.Context) ([]pushapi.TableHash, error) {
	var said pushapi.Proof
	err := l.signed(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, proofTime, errSilent)
		defer cancel()
		answer, err := l.do(ctx, http.MethodGet, l.cfg.Server+"/v1/proof", nil)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		return readJSON(ctx, answer.Body, maxRefusal, &said)
	})
	if err == nil && len(said.Tables) == 0 {
		err = &refusal{kind: later, status: http.StatusOK, cause: portal}
	}
	return said.Tables, err
}

// proofTime is how long the server may take to hash millions of rows.
const proofTime = 10 * time.Minute

// cure heals tables that differ, and compares again. It returns the proof that did not hold, with what was found and done.
func (e *Engine) cure(ctx context.Context, s *session, red app.Proof, tables []string) (app.Proof, error) {
	var named, done []string
	for _, table := range tables {
		d, err := s.link.differences(ctx, e.cfg.File, table, false)
		if err != nil {
			return app.Proof{}, proofError(err)
		}
		named = append(named, d.sentence(table))
		n, err := e.cfg.File.CaptureRows(ctx, table, d.alone)
		if err != nil {
			return app.Proof{}, err
		}
		if n > 0 {
			done = append(done, counted(n, "row", "rows")+" of "+table+" that only this machine had went up.")
		}
	}
	red.Problem = strings.Join(named, " ")
	e.cfg.Logger.Error("proof failed", "problem", red.Problem)
	e.proved(red)
	lost, _ := e.board.look()
	if err := e.Push(ctx); err != nil {
		return app.Proof{}, err
	}
	if err := e.refetch(ctx, s); err != nil {
		return app.Proof{}, err
	}
	if now, _ := e.board.look(); now.Rejected > lost.Rejected {
		done = append(done, counted(now.Rejected-lost.Rejected, "row is in lost & found as it was here.", "rows are in lost & found as they were here."))
	}
	red.Cure = strings.Join(append(done, "All rows were fetched again."), " ")
	again, err := e.compare(ctx, s)
	if err != nil {
		return app.Proof{}, proofError(err)
	}
	if left := unequal(again); len(left) > 0 {
		again.Problem, again.Cure = red.Problem, red.Cure
		e.proved(again)
		e.board.setFault(partProof, app.Errorf(app.CodeDamaged, "proof", "This machine and the cloud do not hold the same rows of %s.",
			strings.Join(left, ", ")).WithHint("Comparing again shows what is left; nothing was removed that is not in lost & found.").Typed("`coditect-sync verify` compares again; nothing was removed that is not in lost & found."))
		return again, nil
	}
	e.proved(again)
	return red, nil
}

// refetch has every row come again, and waits until all are shown.
func (e *Engine) refetch(ctx context.Context, s *session) error {
	asked := make(chan struct{})
	s.pull.anewWith(asked)
	s.pullCuts.all()
	poke(s.kickPull)
	select {
	case <-asked:
	case <-e.ended:
		return e.over()
	case <-ctx.Done():
		return canceled(ctx.Err())
	}
	return e.settled(ctx, s)
}

// proofLoop compares after the first sync, and then daily.
func (e *Engine) proofLoop(ctx context.Context, s *session) {
	for {
		if !sleep(ctx, e.untilProof()) {
			return
		}
		st, d := e.board.look()
		if d.first || st.LastSyncedAt.IsZero() || e.untilProof() > 0 {
			select { // something may have come
			case <-ctx.Done():
				return
			case <-s.pull.shown:
				continue
			}
		}
		if e.cfg.Saving() && st.LastProof != nil {
			if !sleep(ctx, time.Hour) {
				return
			}
			continue
		}
		if !sleep(ctx, e.cfg.pace.firstWait) {
			return
		}
		limited, cancel := context.WithTimeout(ctx, time.Hour)
		p, err := e.Prove(limited)
		cancel()
		if err != nil || !p.Equal {
			if err != nil && ctx.Err() == nil {
				e.cfg.Logger.Warn("proof put off", "error", err)
			}
			if !sleep(ctx, e.cfg.pace.proofTry) {
				return
			}
		}
	}
}

// untilProof is how long the last proof holds.
func (e *Engine) untilProof() time.Duration {
	st, d := e.board.look()
	if d.first || st.LastProof == nil || !st.LastProof.Equal {
		return 0
	}
	return max(st.LastProof.At.Add(e.cfg.ProofEvery).Sub(e.cfg.Now()), 0)
}
