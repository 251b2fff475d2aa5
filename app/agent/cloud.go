package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// proofEvery is the interval of proofs in cloud mode.
const proofEvery = 24 * time.Hour

// Account is this machine's session at a server.
type Account interface {
	// Current is the account that this home is or was signed in to, the zero one if never, and whether it still is. It
	// is answered from memory.
	Current() (who config.Account, signedIn bool)
	// Changed is closed when Current changes the next time.
	Changed() <-chan struct{}
}

// CloudSpec says what a Syncer syncs.
type CloudSpec struct {
	File    File
	Account config.Account
	Machine string // id
	// Known is what was known when the last engine ended.
	Known app.CloudStatus
	// Saving tells that the machine is on battery or a metered network.
	Saving func() bool
	Tmp    string
}

// accountChanges is closed at the next change, nil without an account. Run's goroutine only.
func (a *Agent) accountChanges() <-chan struct{} {
	if a.cfg.Account == nil {
		return nil
	}
	return a.cfg.Account.Changed()
}

// AccountChanged takes note that somebody signed in or out.
func (a *Agent) AccountChanged() { a.tell(func() { a.core.retryAt = time.Time{} }) }

func (a *Agent) account() (config.Account, bool) {
	if a.cfg.Account == nil {
		return config.Account{}, false
	}
	return a.cfg.Account.Current()
}

func (a *Agent) wantSyncer(p app.Prefs) *wanted {
	who, signedIn := a.account()
	if !signedIn || a.cfg.OpenSyncer == nil {
		return nil
	}
	return &wanted{mode: app.ModeCloud, db: p.DB, target: who.Server, user: who.User}
}

// syncerRun runs a Syncer until ctx ends.
func (a *Agent) syncerRun(e *running) func(ctx context.Context) error {
	spec := a.specOf(nil)
	return func(ctx context.Context) error {
		open := sync.OnceFunc(func() { close(e.opened) })
		defer open()
		file, err := a.cfg.OpenFile(e.db)
		if err != nil {
			return err
		}
		spec.File = file
		s, err := a.cfg.OpenSyncer(spec)
		if err != nil {
			return err
		}
		e.syncer = s
		open()
		return s.Run(ctx, func(r app.Report) { a.tell(func() { a.reported(e, r) }) })
	}
}

// specOf is what an engine is given. Run's goroutine only.
func (a *Agent) specOf(file File) CloudSpec {
	who, _ := a.account()
	return CloudSpec{
		File: file, Account: who, Machine: a.cfg.Machine.ID, Known: a.knownCloud(), Saving: a.cfg.Saving, Tmp: a.cfg.Layout.Tmp,
	}
}

// knownCloud is what is known without an engine.
func (a *Agent) knownCloud() app.CloudStatus {
	who, signedIn := a.account()
	st := app.CloudStatus{Server: who.Server, SignedIn: signedIn, User: who.Who(), Tenant: who.Tenant}
	if rec := a.core.records.Cloud; rec != nil && rec.Server == who.Server && rec.User == who.User {
		st.LastProof, st.LastPushedAt, st.LastSyncedAt = rec.LastProof, rec.LastPushedAt, rec.LastSyncedAt
	}
	c := a.core.capture
	st.Recording, st.PendingUploads, st.WaitingSince, st.Rejected = c.Enrolled, c.Waiting, c.Since, c.Lost
	return st
}

// cloudStatus is nil for who never had an account.
func (a *Agent) cloudStatus() *app.CloudStatus {
	who, signedIn := a.account()
	if who.Server == "" {
		return nil
	}
	st := a.knownCloud()
	if r := a.core.report.Cloud; r != nil && a.core.engine != nil && a.core.engine.mode == app.ModeCloud {
		st = *r
	}
	st.Server, st.SignedIn, st.User, st.Tenant = who.Server, signedIn, who.Who(), who.Tenant
	if st.LastProof != nil && st.NextProofAt.IsZero() {
		st.NextProofAt = st.LastProof.At.Add(proofEvery)
	}
	return &st
}

// synced takes what the engine of cloud mode says. Run's goroutine only.
func (a *Agent) synced(e *running, r app.Report) {
	c := r.Cloud
	r.Standalone = a.core.report.Standalone
	a.core.report = r
	a.core.fault, a.core.fails = nil, 0
	a.core.capture.Enrolled, a.core.capture.Waiting = c.Recording, c.PendingUploads
	a.core.capture.Since, a.core.capture.Lost = c.WaitingSince, c.Rejected
	rec := a.core.records.Cloud
	proved := c.LastProof != nil && (rec == nil || rec.LastProof == nil || !rec.LastProof.At.Equal(c.LastProof.At))
	a.noteCloud(*c)
	if proved || a.cfg.Now().Sub(a.core.recordsAt) > recordsEvery {
		_ = a.saveRecords()
	}
	a.changed(e, fmt.Sprint(c.LastSyncedAt.UnixNano(), c.LastPushedAt.UnixNano(), c.PendingUploads))
}

func (a *Agent) noteCloud(c app.CloudStatus) {
	who, _ := a.account()
	a.core.records.Cloud = &config.CloudRecord{
		Server: who.Server, User: who.User, LastProof: c.LastProof, LastPushedAt: c.LastPushedAt, LastSyncedAt: c.LastSyncedAt,
	}
}

// cloudHealthy: the last proof held and is no older than twice its interval, nothing has waited for over a minute, the
// server was not lost for that long, and no fault stands.
func cloudHealthy(s app.Status, now time.Time) bool {
	c := s.Cloud
	return s.State == app.StateCloud && s.Error == nil && c != nil && c.SignedIn && c.Recording &&
		c.LastProof != nil && c.LastProof.Equal && now.Sub(c.LastProof.At) <= 2*proofEvery && !ahead(c.LastProof.At, now) &&
		(c.WaitingSince.IsZero() || now.Sub(c.WaitingSince) <= overdue) &&
		(offlineSince(s.Progress).IsZero() || now.Sub(offlineSince(s.Progress)) <= overdue) && !stalled(s)
}

func stalled(s app.Status) bool { return s.Progress != nil && s.Progress.Phase == app.PhaseStalled }
