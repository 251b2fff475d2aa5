package standalone

import (
	"context"
	"errors"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// # Old object sets
//
// A sealed object cannot be changed, but who keeps the storage can put back an older set of them, or take away the newest:
// what is left restores, to a state that is not the newest. Two things tell. This machine remembers up to where it copied,
// and believes no storage that holds less. And machine.json, which is sealed, names the newest change whenever it is
// written: after the first copy of a run, each test restore and the last flush, and hourly while things change. So a machine
// that knows nothing sees what was taken away since then. Who puts back an old machine.json too, with all that was there
// then, shows such a machine an older state in which nothing is wrong; it says of when that is, and no more can be known
// without a witness elsewhere. A moment that was asked for by its point is restored in any case.

// errOldState is wrapped where a storage holds less than it held before.
var errOldState = errors.New("the storage holds an older state")

// reached is the newest change that is known to have been at a target.
type reached struct {
	txid ltx.TXID
	at   time.Time
	by   string // who knows it, as the subject of a sentence
}

func reachedBy(p app.RestorePoint, by string) reached {
	txid, err := ltx.ParseTXID(p.ID)
	if err != nil {
		return reached{}
	}
	return reached{txid, p.Time, by}
}

// oldState is the refusal of what a storage holds.
func (t *Target) oldState(op string, newest app.RestorePoint, known reached) *app.Error {
	holds := "no copies any more"
	if newest.ID != "" {
		holds = "an older state, of " + sayTime(newest.Time)
	}
	until := ""
	if !known.at.IsZero() {
		until = " of " + sayTime(known.at)
	}
	return app.Errorf(app.CodeRefused, op, "%s holds %s: %s knows of later copies, up to the point %s%s.", capital(t.at.name()), holds, known.by, known.txid, until).Wrap(errOldState)
}

// refuseOld fails where the newest of what a machine has at a sealed target was asked for, and there was more before.
func (r *Replica) refuseOld(ctx context.Context, machine string, h history, point app.RestorePoint) error {
	known, err := r.knownOf(ctx, machine)
	if err != nil || known.txid <= h.end(time.Time{}) {
		return err
	}
	// What machine.json names was there before it was written, but perhaps not yet when h was listed.
	if h, err = readHistory(ctx, r.client(machine)); err != nil || known.txid <= h.end(time.Time{}) {
		return err
	}
	e := r.cfg.Target.oldState("restore", point, known)
	if point.ID == "" {
		return e.WithHint("Ask who keeps the storage, or look for another copy of it.")
	}
	return e.WithHint("Somebody took new copies away or put back old ones. That state can be restored all the same.").
		Typed("Somebody took new copies away or put back old ones. Restore that state all the same with --point %s.", point.ID)
}

// endsWith tells whether a point is the newest, or none because there is nothing.
func (h history) endsWith(p app.RestorePoint) bool {
	if p.ID == "" {
		return len(h) == 0
	}
	return p.ID == h.end(time.Time{}).String()
}

// knownOf is the newest change that this machine or the other's own word knows of.
func (r *Replica) knownOf(ctx context.Context, machine string) (reached, error) {
	var here reached
	if machine == r.cfg.Machine {
		here = reachedBy(r.cfg.Known, "this machine")
	}
	info, err := r.cfg.Target.ReadMachine(ctx, r.cfg.User, machine)
	if app.CodeOf(err) == app.CodeNotFound && here.txid == 0 {
		return reached{}, app.Errorf(app.CodeRefused, "restore", "machine.json of these copies is missing, so nothing tells whether they are the newest.").
			WithHint("Choose a moment all the same.").Typed("Restore a moment all the same by its id: `coditect-sync points`, then --point ID.").Wrap(err)
	}
	if err != nil && app.CodeOf(err) != app.CodeNotFound {
		return reached{}, err
	}
	if said := reachedBy(app.RestorePoint{ID: info.Newest, Time: info.LastReplicated}, "machine.json"); said.txid > here.txid {
		return said, nil
	}
	return here, nil
}

// mayWrite fails where nothing may be written: Litestream, too, sends what is left when it closes the file.
func (s *shipper) mayWrite(ctx context.Context) error {
	if err := s.primary.hold(ctx); err != nil {
		return err
	}
	return s.refuseOld(ctx)
}

// refuseOld fails where a sealed target holds less than this machine copied to it: nothing is sent there, so that nothing
// covers up what happened. It is asked once a session.
func (s *shipper) refuseOld(ctx context.Context) error {
	t := s.target
	known := s.status.replicated()
	if s.reachSeen.Load() || t.sealed() == nil {
		return nil
	}
	var newest *ltx.FileInfo
	for _, level := range []int{0, snapshotLevel, 1, 2, 3} { // the first has it, but after long pauses
		files, err := s.index.list(ctx, level)
		if err != nil {
			return err
		}
		for _, f := range files {
			if newest == nil || f.MaxTXID > newest.MaxTXID {
				newest = f
			}
		}
		if newest != nil && newest.MaxTXID >= known {
			break
		}
	}
	if newest == nil && known == 0 || newest != nil && newest.MaxTXID >= known {
		s.reachSeen.Store(true)
		return nil
	}
	s.index.forget() // the storage may come to its senses
	point := app.RestorePoint{}
	if newest != nil {
		point = pointOf(newest)
	}
	return t.oldState("replicate", point, reached{known, s.status.lastReplicatedAt(), "this machine"}).
		WithHint("Nothing is copied there meanwhile. Have the copies put back, or set the storage up anew if they went on purpose.").
		Typed("Nothing is copied there meanwhile. Have the copies put back, or begin anew with `coditect-sync setup` if they went on purpose.")
}

// tellNewest has machine.json at a sealed target name the newest change, if it does not. Its failure is no failure of what was
// done before: it is written again within the hour.
func (s *shipper) tellNewest(ctx context.Context) {
	if s.target.sealed() == nil || !s.reachSeen.Load() || s.newestTold.Load() == uint64(s.status.replicated()) {
		return
	}
	if err := s.tellInfo(ctx); err != nil {
		s.log.Warn("machine.json not written", "error", err)
	}
}
