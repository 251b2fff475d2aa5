package standalone

import (
	"context"
	"time"
)

const (
	// unfinishedFor is how old an upload must be that is taken for one that nobody finishes: no clock is that wrong, and none of
	// ours takes that long without being known here.
	unfinishedFor = 24 * time.Hour
	// sweepNever is when a target is looked for unfinished uploads again where there was none.
	sweepNever = 365 * 24 * time.Hour
)

// sweep takes away, once a run, what uploads of this machine that were killed left at a target. This machine holds the lease
// then, and no other one writes in its folder. What is too young is looked at again. It is no failure of anything else if that
// cannot be done: some credentials may not list uploads. The caller holds shipping.
func (s *shipper) sweep(ctx context.Context) {
	now := s.now()
	sw, leaves := plainStore(s.target.store).(sweeper)
	if !leaves || now.Before(s.swept) {
		return
	}
	left, err := sw.sweep(ctx, machineDir(s.k.cfg.User, s.k.cfg.Machine), now.Add(-unfinishedFor))
	s.swept = now.Add(sweepNever)
	if left > 0 || err != nil {
		s.swept = now.Add(unfinishedFor)
	}
	if err != nil {
		s.log.Info("unfinished uploads not taken away", "error", err)
	}
}
