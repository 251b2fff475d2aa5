package cloud

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// showAfter is how long work takes before it is shown.
const showAfter = time.Second

// progress says in one piece what goes on; nil for nothing that is worth telling. What a person waits for comes first.
func progress(s app.CloudStatus, d doing, now time.Time) *app.Progress {
	switch {
	case d.enrol.total > 0:
		return d.enrol.progress(app.PhaseEnrol, now)
	case d.stall.cause != "":
		return &app.Progress{Phase: app.PhaseStalled, Total: s.PendingUploads, Unit: "rows", Since: d.stall.since, Cause: d.stall.cause, NextTry: d.next()}
	case d.up.offline || d.down.offline:
		return d.troubled(app.PhaseOffline, s)
	case d.down.cause != "":
		return d.troubled(app.PhaseConnecting, s)
	case d.up.cause != "":
		p := d.troubled(app.PhaseUploading, s)
		p.Total, p.Unit = s.PendingUploads, "rows"
		return p
	case d.first:
		if d.download.total == 0 && !d.opening.IsZero() {
			return &app.Progress{Phase: app.PhaseConnecting, Since: d.opening}
		}
		return d.download.progress(app.PhaseFirstSync, now)
	case d.download.shows(now):
		return d.download.progress(app.PhaseCatchingUp, now)
	case d.upload.shows(now):
		return d.upload.progress(app.PhaseUploading, now)
	case !d.proof.IsZero():
		return &app.Progress{Phase: app.PhaseProof, Since: d.proof}
	case !d.opening.IsZero() && now.Sub(d.opening) > showAfter:
		return &app.Progress{Phase: app.PhaseConnecting, Since: d.opening}
	}
	return nil
}

// troubled shows the older trouble.
func (d doing) troubled(phase app.Phase, s app.CloudStatus) *app.Progress {
	t := d.down
	if t.cause == "" || d.up.offline && !d.down.offline || d.up.cause != "" && d.up.since.Before(t.since) && d.up.offline == t.offline {
		t = d.up
	}
	return &app.Progress{Phase: phase, Since: t.since, Cause: t.cause, NextTry: d.next(), Total: s.PendingUploads, Unit: "rows"}
}

// next is the earliest of the tries that are planned.
func (d doing) next() time.Time {
	switch {
	case d.up.next.IsZero(), !d.down.next.IsZero() && d.down.next.Before(d.up.next):
		return d.down.next
	}
	return d.up.next
}

func (w work) shows(now time.Time) bool { return w.total > 0 && now.Sub(w.since) > showAfter }

// progress measures. The rate is that of the whole piece of work, because the network's changes from second to second.
func (w work) progress(phase app.Phase, now time.Time) *app.Progress {
	p := &app.Progress{Phase: phase, Done: w.done, Total: w.total, Unit: "rows", Since: w.since}
	if took := now.Sub(w.since).Seconds(); took >= showAfter.Seconds() && w.done > 0 {
		p.Rate = float64(w.done) / took
		p.ETASeconds = float64(max(w.total-w.done, 0)) / p.Rate
	}
	return p
}
