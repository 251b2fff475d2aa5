package standalone

import (
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// statusKeeper turns what the loops do into reports. Its methods may be called from any goroutine.
type statusKeeper struct {
	mu     sync.Mutex
	report func(app.Report)

	s        app.StandaloneStatus
	atTarget ltx.TXID // at the target
	marks    []mark   // captured, not yet at the target; oldest first
	capFault *app.Error
	shpFault *app.Error
	drlFault *app.Error
	progress *app.Progress
	upload   upload
	out      int64 // bytes handed to the target
	meter    meter
	counted  app.Usage // before meter
	stored   func() int64
	now      func() time.Time
}

// mark: every row committed before since is in the changes up to txid.
type mark struct {
	since time.Time
	txid  ltx.TXID
}

// upload measures the running upload.
type upload struct {
	done, total int64
	since, told time.Time
	end         ltx.TXID
}

// showAfter is how long an upload takes before it is shown as progress.
const showAfter = time.Second

func (k *statusKeeper) init(known app.StandaloneStatus, target string) {
	k.s, k.counted = known, known.Usage
	if k.counted.Since.IsZero() {
		k.counted.Since = k.now()
	}
	k.counted = k.counted.Recent(k.now())
	k.s.Target = target
	k.atTarget, _ = ltx.ParseTXID(known.ReplicatedTXID)
}

func (k *statusKeeper) onChange(report func(app.Report)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report = report
	k.publish()
}

// publish sends the whole report; the caller holds mu.
func (k *statusKeeper) publish() {
	if k.report == nil {
		return
	}
	s := k.s
	s.WaitingSince = time.Time{}
	if len(k.marks) > 0 {
		s.WaitingSince = k.marks[0].since
	}
	s.Usage = k.meter.usage(k.counted)
	if k.stored != nil {
		s.Usage.Stored = k.stored()
	}
	r := app.Report{Standalone: &s, Fault: k.shpFault, Sent: k.out}
	if r.Fault == nil {
		r.Fault = k.drlFault
	}
	if k.capFault != nil {
		r.Fault = k.capFault
	}
	if k.progress != nil {
		p := *k.progress
		r.Progress = &p
	}
	k.report(r)
}

func (k *statusKeeper) captured(started time.Time, txid ltx.TXID, lag int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if txid <= k.atTarget && len(k.marks) == 0 {
		return
	}
	if n := len(k.marks); n > 0 && k.marks[n-1].txid == txid {
		return
	}
	k.marks = append(k.marks, mark{started, txid})
	k.s.TXID = txid.String()
	k.s.LagBytes = lag
	k.publish()
}

// fellBehind says that the target begins anew when it is back; beganAnew that it did.
func (k *statusKeeper) fellBehind(now time.Time) { k.startsOver(now) }
func (k *statusKeeper) beganAnew()               { k.startsOver(time.Time{}) }

func (k *statusKeeper) startsOver(since time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.s.StartsOverSince = since
	k.publish()
}

func (k *statusKeeper) captureFailed(e *app.Error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.capFault = e
	k.publish()
}

func (k *statusKeeper) captureOK() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.capFault != nil {
		k.capFault = nil
		k.publish()
	}
}

// sending begins an upload up to end.
func (k *statusKeeper) sending(end ltx.TXID, size func(ltx.TXID) int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.upload = upload{since: time.Now(), end: end}
	for txid := k.atTarget + 1; txid <= end; txid++ {
		k.upload.total += size(txid)
	}
}

// sent counts n bytes handed to the target, and shows uploads that take their time, twice a second.
func (k *statusKeeper) sent(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	u := &k.upload
	u.done += int64(n)
	k.out += int64(n)
	now := time.Now()
	if u.end == 0 || u.done > u.total || now.Sub(u.since) < showAfter || now.Sub(u.told) < showAfter/2 {
		return
	}
	u.told = now
	rate := float64(u.done) / now.Sub(u.since).Seconds()
	k.progress = &app.Progress{
		Phase: app.PhaseCopying, Done: u.done, Total: u.total, Unit: "bytes", Since: u.since,
		Rate: rate, ETASeconds: float64(u.total-u.done) / rate,
	}
	if k.atTarget == 0 {
		k.progress.Phase = app.PhaseFirstCopy
	}
	k.publish()
}

func (k *statusKeeper) shipped(txid ltx.TXID, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.upload = upload{}
	k.atTarget = txid
	moved := k.s.ReplicatedTXID != txid.String() || k.progress != nil || k.shpFault != nil
	k.s.ReplicatedTXID = txid.String()
	if k.s.TXID == "" {
		k.s.TXID = k.s.ReplicatedTXID
	}
	for len(k.marks) > 0 && k.marks[0].txid <= txid {
		k.s.LastReplicatedAt = k.marks[0].since
		k.marks = k.marks[1:]
		moved = true
	}
	if len(k.marks) == 0 {
		k.s.LagBytes = 0
	}
	k.progress, k.shpFault = nil, nil
	if moved {
		k.publish()
	}
}

func (k *statusKeeper) shipFailed(e *app.Error, now, next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.upload = upload{}
	since := now
	if k.progress != nil && k.progress.Phase == app.PhaseOffline {
		since = k.progress.Since
	}
	k.progress = &app.Progress{Phase: app.PhaseOffline, Since: since, Cause: e.Message, NextTry: next}
	k.shpFault = fault(e)
	k.publish()
}

func (k *statusKeeper) shipOK() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.progress != nil || k.shpFault != nil {
		k.progress, k.shpFault = nil, nil
		k.publish()
	}
}

func (k *statusKeeper) drilled(d app.Drill, next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.s.LastDrill = &d
	k.s.NextDrillAt = next
	k.progress, k.drlFault = nil, nil
	k.publish()
}

// notDrilled takes note of a test restore that could not run. It is a fault once there is no proof to rely on.
func (k *statusKeeper) notDrilled(e *app.Error, overdue bool, next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.s.NextDrillAt = next
	if overdue {
		k.drlFault = fault(e)
	}
	k.publish()
}

func (k *statusKeeper) show(p *app.Progress) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.progress = p
	k.publish()
}

func (k *statusKeeper) lastDrill() *app.Drill {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.s.LastDrill
}

func (k *statusKeeper) replicated() ltx.TXID {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.atTarget
}

func (k *statusKeeper) everReplicated() bool { return k.replicated() > 0 }

func (k *statusKeeper) lastReplicatedAt() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.s.LastReplicatedAt
}

func (k *statusKeeper) nextDrill() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.s.NextDrillAt
}

// putOff moves the next scheduled drill.
func (k *statusKeeper) putOff(next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.s.NextDrillAt = next
	k.publish()
}

// measure says what the target holds now.
func (k *statusKeeper) measure(stored func() int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stored = stored
}
