package cloud

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestTroubleOfBefore: what a session could not do is not shown of the next one, nor of one that goes on again; what stands
// still is shown until it moves.
func TestTroubleOfBefore(t *testing.T) {
	c := Config{Now: time.Now}
	b := newBoard(c)
	b.change(func(_ *app.CloudStatus, d *doing) {
		d.first, d.stall = false, stall{"nothing moves", time.Now()}
		d.up, d.down, d.opening = trouble{cause: "no", since: time.Now()}, trouble{offline: true}, time.Now()
	})
	b.begins()
	if r := b.report(); r.Progress == nil || r.Progress.Phase != app.PhaseStalled || !r.Progress.NextTry.IsZero() {
		t.Errorf("%+v", r.Progress)
	}
	b.change(func(_ *app.CloudStatus, d *doing) { d.stall = stall{} })
	if r := b.report(); r.Progress != nil {
		t.Errorf("%+v", r.Progress)
	}
	s := &session{cfg: Config{Now: time.Now, Logger: slog.New(slog.DiscardHandler)}, board: b, kickPull: make(chan struct{}, 1)}
	r := retry{pace: pace{firstTry: time.Second, lastTry: time.Minute}}
	s.pushFails(&r, errors.New("no"))
	if p := b.report().Progress; p == nil || p.Phase != app.PhaseUploading {
		t.Errorf("%+v", p)
	}
	s.pushGoes(&r)
	if p := b.report().Progress; p != nil {
		t.Errorf("%+v", p)
	}
}
