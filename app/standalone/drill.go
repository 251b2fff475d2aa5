package standalone

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// The times between scheduled test restores: where reading is free, and where it is paid for. What healthy means
	// in the agent's Status goes by the same.
	drillDisk = 24 * time.Hour
	drillPaid = 7 * 24 * time.Hour
	// provedFor is how long a TXID that a test restore proved is not proved again by schedule.
	provedFor = 7 * 24 * time.Hour
	// drillAgain is when a failed test restore, or one that could not run, is tried again.
	drillAgain = 5 * time.Minute
	// roomAgain is when one that found too little room is tried again: looking costs nothing.
	roomAgain = 15 * time.Second
)

// DrillEvery is the interval of scheduled test restores at the target.
func (t *Target) DrillEvery() time.Duration {
	if t.Paid() {
		return drillPaid
	}
	return drillDisk
}

// Drill implements app.Keeper: it restores the newest point into a temporary file, checks it, and compares its row
// hash with that of the live file at the same TXID. A drill that does not hold comes back with OK false, and the
// problem named; the error is for a drill that could not be run. Of several targets each is proved; the first one that
// does not hold is what comes back, and all are in Targets.
func (k *Keeper) Drill(ctx context.Context) (app.Drill, error) {
	s, err := k.current(ctx)
	if err != nil {
		return app.Drill{}, err
	}
	if len(s.ships) == 1 {
		return s.ships[0].runDrill(ctx)
	}
	drills, errs := make([]app.Drill, len(s.ships)), make([]error, len(s.ships))
	var wg sync.WaitGroup
	for i, sh := range s.ships {
		wg.Go(func() { drills[i], errs[i] = sh.runDrill(ctx) })
	}
	wg.Wait()
	return allDrills(k.outlets, drills, errs)
}

// allDrills is the drill that counts, with all of them in it. The error is for none that could be run.
func allDrills(outlets []*outlet, drills []app.Drill, errs []error) (app.Drill, error) {
	ran, worst := false, 0
	for i, p := range outlets {
		drills[i].Target = p.target.URL()
		if err := errs[i]; err != nil {
			drills[i].Error = app.AsError("verify", err)
			drills[i].Problem = drills[i].Error.Message
		}
		ran = ran || errs[i] == nil
		if weightOf(drills[i]) > weightOf(drills[worst]) {
			worst = i
		}
	}
	if !ran {
		return app.Drill{}, errs[worst]
	}
	out := drills[worst]
	out.Targets = drills
	return out, nil
}

// weightOf is how much a drill says: a copy that does not hold most, then one that this machine may not write any more, which
// does not pass, then one that could not be looked at.
func weightOf(d app.Drill) int {
	switch {
	case d.OK:
		return 0
	case d.Error == nil:
		return 3
	case d.Error.Code == app.CodeRefused:
		return 2
	}
	return 1
}

// runDrill proves one target, and shows how that ended.
func (s *shipper) runDrill(ctx context.Context) (app.Drill, error) {
	s.drill.Lock()
	defer s.drill.Unlock()
	// The first copy before it and the test restore took tens of megabytes that are not needed again for a long time.
	defer debug.FreeOSMemory()
	s.status.show(&app.Progress{Phase: app.PhaseDrill, Since: s.now()})
	defer s.status.show(nil)
	started := s.now()
	d, err := s.drillOnce(ctx)
	if e := classify("verify", err); e != nil && e.Code == app.CodeDamaged { // what cannot be read is not proved
		d = app.Drill{At: started, Problem: e.Message, Took: s.now().Sub(started)}
		s.log.Error("test restore failed", "problem", d.Problem)
		s.status.drilled(d, s.nextDrill(d))
		return d, nil
	} else if e != nil {
		return app.Drill{}, e
	}
	s.status.drilled(d, s.nextDrill(d))
	if !d.OK {
		s.log.Error("test restore failed", "problem", d.Problem, "txid", d.TXID)
		s.heal(ctx)
	}
	return d, nil
}

func (s *shipper) nextDrill(d app.Drill) time.Time {
	if !d.OK {
		return s.now().Add(drillAgain)
	}
	return d.At.Add(s.target.DrillEvery())
}

// heal makes a new full copy after a failed drill, so that what is written from now on can be restored again.
func (s *shipper) heal(ctx context.Context) {
	if err := s.rebase(ctx, "the test restore failed"); err != nil {
		s.log.Error("new full copy failed", "error", err)
	}
}

func (s *shipper) drillOnce(ctx context.Context) (app.Drill, error) {
	started := s.now()
	if _, err := s.k.flushTo(ctx, s.outlet); err != nil { // the bulk goes up before the lock is taken
		return app.Drill{}, err
	}
	live, txid, err := s.hashLive(ctx)
	if err != nil {
		return app.Drill{}, err
	}
	if err := s.ship(ctx); err != nil {
		return app.Drill{}, err
	}
	d := app.Drill{At: started, TXID: txid, Tables: live, Rows: rows(live)}
	d.Problem, err = s.compare(ctx, txid, live)
	d.OK = d.Problem == "" && err == nil
	d.Took = s.now().Sub(started)
	if d.OK {
		s.tellNewest(ctx)
	}
	return d, err
}

// hashLive hashes the file's tables as they are, and captures that. Who steps aside captures with the file's write lock, too,
// once the checkpoint is through: of two that each hold what the other waits for, all other programs would wait as well.
func (s *shipper) hashLive(ctx context.Context) (live []app.TableHash, txid string, err error) {
	err = s.reads.do(ctx, func(reading context.Context) error {
		snap, err := s.k.cfg.File.Freeze(reading, func() error {
			if err := s.capture(ctx); err != nil {
				return err
			}
			pos, err := s.db.Pos()
			txid = pos.TXID.String()
			return err
		})
		if err != nil {
			return err
		}
		defer func() { _ = snap.Close() }() // else it would keep others' checkpoints waiting until the copy is restored
		live, err = snap.Hash(reading)
		return err
	})
	return live, txid, err
}

// compare restores txid and says what differs from the live file; "" when nothing does.
func (s *shipper) compare(ctx context.Context, txid string, live []app.TableHash) (problem string, err error) {
	image := filepath.Join(s.k.cfg.Tmp, "test-restore-"+txid+"-"+s.short()+".db")
	s.logRemove(os.Remove(image)) // a drill that was killed left it
	defer func() { s.logRemove(os.Remove(image)) }()
	plan, err := s.replica.Plan(ctx, s.k.cfg.Machine, app.Moment{Point: txid})
	if err == nil {
		err = s.replica.Fetch(ctx, plan, image, func(done, total int64) {
			s.status.show(&app.Progress{Phase: app.PhaseDrill, Done: done, Total: total, Unit: "bytes", Since: s.now()})
		})
	}
	if app.CodeOf(err) == app.CodeNotFound || app.CodeOf(err) == app.CodeDamaged {
		return app.AsError("verify", err).Message, nil
	} else if err != nil {
		return "", err
	}
	tables, err := s.k.cfg.File.Check(ctx, image)
	if app.CodeOf(err) == app.CodeDamaged {
		return app.AsError("verify", err).Message, nil
	} else if err != nil {
		return "", err
	}
	return differences(live, tables), nil
}

func rows(tables []app.TableHash) (n int64) {
	for _, t := range tables {
		n += t.Rows
	}
	return n
}

// differences names the tables whose hashes differ between the live file and the restored copy.
func differences(live, restored []app.TableHash) string {
	there := map[string]app.TableHash{}
	for _, t := range restored {
		there[t.Table] = t
	}
	var out []string
	for _, t := range live {
		r, ok := there[t.Table]
		delete(there, t.Table)
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%q is missing from the copy", t.Table))
		case r.Rows != t.Rows:
			out = append(out, fmt.Sprintf("%q has %d rows here and %d in the copy", t.Table, t.Rows, r.Rows))
		case r.Sum != t.Sum:
			out = append(out, fmt.Sprintf("%q differs in content", t.Table))
		}
	}
	for name := range there {
		out = append(out, fmt.Sprintf("%q is only in the copy", name))
	}
	if len(out) == 0 {
		return ""
	}
	return "The restored copy differs: " + strings.Join(out, ", ") + "."
}

// drillLoop runs the first drill once a first copy is at the target, and then the scheduled ones. It sleeps while
// nothing is due.
func (s *shipper) drillLoop(ctx context.Context) error {
	for {
		wait := time.Hour
		if s.status.everReplicated() {
			wait = s.drillDue()
		}
		timer := time.NewTimer(max(wait, 0))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-s.drillWake:
			timer.Stop()
			continue
		case <-timer.C:
		}
		if wait > 0 || !s.status.everReplicated() {
			continue
		}
		s.scheduledDrill(ctx)
	}
}

// drillDue is the time until the next scheduled drill.
func (s *shipper) drillDue() time.Duration {
	last := s.status.lastDrill()
	if last != nil && last.At.After(s.now()) { // by a clock that was wrong
		return 0
	}
	if next := s.status.nextDrill(); !next.IsZero() {
		return next.Sub(s.now())
	}
	if last == nil || !last.OK {
		return 0
	}
	return last.At.Add(s.target.DrillEvery()).Sub(s.now())
}

func (s *shipper) scheduledDrill(ctx context.Context) {
	last := s.status.lastDrill()
	first := last == nil
	if !first && s.k.cfg.Saving != nil && s.k.cfg.Saving() {
		s.status.putOff(s.now().Add(time.Hour))
		return
	}
	age := time.Duration(0)
	if !first {
		age = s.now().Sub(last.At)
	}
	if !first && last.OK && last.TXID == s.status.replicated().String() && age >= 0 && age < provedFor {
		s.status.putOff(last.At.Add(provedFor))
		return
	}
	again := roomAgain
	err := s.roomForDrill()
	if err == nil {
		again = drillAgain
		_, err = s.runDrill(ctx)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	s.log.Warn("test restore could not run", "error", err)
	overdue := first || last.OK && s.now().Sub(last.At) > 2*s.target.DrillEvery()
	s.status.notDrilled(classify("verify", err), overdue, s.now().Add(again))
}

// roomForDrill fails when a test restore would fill the disk, which other programs need too.
func (s *shipper) roomForDrill() error {
	fi, err := os.Stat(s.k.cfg.File.Path())
	if err != nil {
		return err
	}
	free, err := diskFree(s.k.cfg.Tmp)
	if err != nil || free >= fi.Size() {
		return err
	}
	return app.Errorf(app.CodeNoSpace, "verify", "A test restore needs %d MB, and the disk of %s has %d MB left.",
		mb(fi.Size()+1<<20-1), s.k.cfg.Tmp, mb(free)).WithHint("Free some space; the test restore follows by itself.")
}

func mb(n int64) int64 { return n >> 20 }
