package standalone

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// infoEvery is how often machine.json is brought up to date while things change.
const infoEvery = time.Hour

// shipLoop sends the local change files to the target in order and then does the upkeep that is due. It never gives
// up: what fails is shown and tried again.
func (s *shipper) shipLoop(ctx context.Context) error {
	var retry backoff
	for {
		timer := time.NewTimer(retry.wait(s.now(), time.Hour))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-s.shipWake:
			if retry.n > 0 && !retry.due(s.now()) {
				timer.Stop()
				continue // new changes do not make a failing target answer sooner
			}
		case <-timer.C:
			if !retry.due(s.now()) {
				continue
			}
		}
		timer.Stop()
		if err := s.shipTurn(ctx, &retry); err != nil {
			return err
		}
	}
}

func (s *shipper) shipTurn(ctx context.Context, retry *backoff) error {
	err := s.ship(ctx)
	if err == nil {
		err = s.upkeepTurn(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errNotPrimary):
		return s.lost(ctx, err)
	case errors.Is(err, errReopen):
		return err
	case errors.Is(err, errUnproved):
		return nil // it is proved, and woken for, or the session ends
	case err != nil && damagedLocalState(err):
		return s.resetLocal(err)
	case err != nil:
		retry.failed(s.now())
		e := classify("replicate", err)
		s.log.Warn("not sent", "code", string(e.Code), "error", err)
		s.status.shipFailed(e, s.now(), retry.next)
		return nil
	}
	retry.ok()
	s.status.shipOK()
	return nil
}

// lost ends the work for a target where another machine became the primary. The session goes on while there are others.
func (s *shipper) lost(ctx context.Context, err error) error {
	if s.k.lostAll() {
		return err
	}
	s.log.Error("another machine writes there now", "target", s.target.URL(), "error", err)
	s.status.shipFailed(classify("replicate", err), s.now(), time.Time{})
	<-ctx.Done()
	return ctx.Err()
}

// lostAll tells that another machine is the primary at every target.
func (k *Keeper) lostAll() bool {
	for _, p := range k.outlets {
		if !p.primary.isLost() {
			return false
		}
	}
	return true
}

// ship uploads what is captured. One call runs at a time.
func (s *shipper) ship(ctx context.Context) error {
	s.shipping.Lock()
	defer s.shipping.Unlock()
	pos, err := s.db.Pos()
	if err != nil || pos.TXID == 0 {
		return err
	}
	if err := s.primary.hold(ctx); err != nil {
		if errors.Is(err, errNoPlace) && s.status.everReplicated() {
			err = s.gone(err)
		}
		return err
	}
	if err := s.present(ctx); err != nil {
		return err
	}
	s.sweep(ctx)
	if err := s.refuseOld(ctx); err != nil {
		return err
	}
	end, err := s.join(ctx, pos.TXID)
	if err != nil {
		return err
	}
	next, err := s.nextToSend(ctx)
	if err != nil {
		return err
	}
	s.supersede()
	s.status.sending(end, s.sizes)
	newest, err := s.sendChanges(ctx, next, end)
	if err != nil {
		return err
	}
	s.index.online()
	s.status.shipped(newest, s.now())
	return nil
}

// nextToSend is the first change that is not at the target yet. A file that was replaced gets a full copy first.
func (s *shipper) nextToSend(ctx context.Context) (ltx.TXID, error) {
	if s.rebaseFor != "" {
		txid, err := s.newBase(ctx, s.rebaseFor)
		if err != nil {
			return 0, err
		}
		s.rebaseFor, s.joined = "", true
		return txid + 1, s.noteJoined()
	}
	sent, err := s.index.list(ctx, 0)
	return maxTXID(sent) + 1, err
}

// newBase makes a full copy of the file as it is and goes on from there. It returns the change that the next one follows.
func (s *shipper) newBase(ctx context.Context, why string) (ltx.TXID, error) {
	defer s.keepFromHere()()
	txid, err := s.fullCopy(ctx, why)
	if err != nil {
		return 0, err
	}
	return txid, s.goOnFrom(ctx, txid)
}

func (s *session) sizes(txid ltx.TXID) int64 {
	if fi, err := os.Stat(s.db.LTXPath(0, txid, txid)); err == nil {
		return fi.Size()
	}
	return 0
}

// upkeepTurn does the upkeep. A chain that cannot be merged is bridged by a new full copy, once. It does not hold
// shipping: a restore that holds the file's write lock must not wait for a merge.
func (s *shipper) upkeepTurn(ctx context.Context) error {
	if err := s.upkeep(ctx); err != nil {
		if e := classify("replicate", err); e.Code != app.CodeFailed && e.Code != app.CodeDamaged && e.Code != app.CodeNotFound {
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		if err := s.rebase(ctx, "changes at the target cannot be merged: "+err.Error()); err != nil {
			return err
		}
	}
	poke(s.drillWake)
	return s.refreshInfo(ctx)
}

// present makes sure, before anything is sent, that the place is still the one that holds our copies: a folder whose
// disk is not mounted looks like an empty one, here and on another computer. On object stores this is asked once a session, on disks every time.
func (s *shipper) present(ctx context.Context) error {
	t, k := s.target, s.k
	if t.Paid() && s.announced {
		return nil
	}
	_, err := t.ReadMachine(ctx, k.cfg.User, k.cfg.Machine)
	switch {
	case err == nil:
		s.announced = true
		return s.still(ctx)
	case app.CodeOf(err) != app.CodeNotFound:
		return err
	case !s.announced && !s.status.everReplicated():
		err := t.WriteMachine(ctx, k.cfg.User, k.cfg.Machine, k.cfg.Info(ctx))
		s.announced = err == nil // a place that was full is not one that lost our copies
		return err
	}
	return s.gone(err)
}

// still finds out that an older copy of the place took the place of it: what was sent last is not there. Then the whole file goes
// there and is proved, as where something is gone from the middle; nothing is sent to a sealed one. It is asked where that costs
// nothing: elsewhere the next test restore finds it.
func (s *shipper) still(ctx context.Context) error {
	last := ltx.TXID(s.newest.Load())
	if last == 0 || s.target.Paid() {
		return nil
	}
	r, err := s.target.ReplicaClient(s.k.cfg.User, s.k.cfg.Machine).OpenLTXFile(ctx, 0, last, last, 0, 1)
	if err == nil {
		return r.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil // it is there, or the place does not answer, which the sending says
	}
	s.log.Warn("what was copied last is gone", "target", s.target.URL(), "txid", last.String())
	s.at(0)
	s.index.forget()
	s.reachSeen.Store(false)
	if s.target.sealed() == nil {
		s.rebaseFor = "the copies are older than what was copied"
		s.status.putOff(s.now()) // a test restore is due
	}
	return nil
}

// gone says that a place that held our copies does not: perhaps its disk is not mounted, so it is looked at again.
func (s *shipper) gone(err error) error {
	return app.Errorf(app.CodeUnreachable, "replicate", "The copies are not at %s any more.", s.target.URL()).
		WithHint("Mount the disk again, or set the storage up anew to begin a new copy there.").
		Typed("Mount the disk again, or run `coditect-sync setup` to begin a new copy there.").Wrap(err)
}

// refreshInfo writes machine.json after the first copy of a session and then hourly while things change.
func (s *shipper) refreshInfo(ctx context.Context) error {
	if !s.infoAt.IsZero() && s.now().Sub(s.infoAt) < infoEvery {
		return nil
	}
	return s.writeInfo(ctx)
}

func (s *shipper) writeInfo(ctx context.Context) error {
	if err := s.tellInfo(ctx); err != nil {
		return err
	}
	s.infoAt = s.now()
	return nil
}

func (s *shipper) tellInfo(ctx context.Context) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	info := s.k.cfg.Info(ctx)
	newest := s.status.replicated()
	info.LastReplicated, info.Newest = s.status.lastReplicatedAt(), newest.String()
	err := s.target.WriteMachine(ctx, s.k.cfg.User, s.k.cfg.Machine, info)
	if err == nil {
		s.newestTold.Store(uint64(newest))
	}
	return err
}
