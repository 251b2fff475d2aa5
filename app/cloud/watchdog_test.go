package cloud

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// hurried is a tenth of the usual times: a stall is shown after 3 s and healed within 9 s.
func hurried(c *Config) {
	c.pace = pace{silence: 5 * time.Second, answer: 60 * time.Second, firstTry: 200 * time.Millisecond, lastTry: 6 * time.Second,
		stall: 3 * time.Second, rung: 1200 * time.Millisecond, callback: 2 * time.Second, settle: 100 * time.Millisecond}
	c.StopTimeout = 500 * time.Millisecond
}

// TestWedges injects what lets things stand still without any error, and wants each to be shown as a stall with a cause and
// the steps of the ladder, and to be healed by it. The times are a tenth of the real ones, and not held against the limits of
// these: the machine that tests is slow. The real ones follow from the ladder, see TestTheLadderIsInTime.
func TestWedges(t *testing.T) {
	type wedge struct {
		name   string
		before func(hung *atomic.Bool) func(w http.ResponseWriter, r *http.Request) bool
		tokens func(hung *atomic.Bool) *coins
		mute   bool
	}
	hang := func(r *http.Request) bool { <-r.Context().Done(); return true }
	for _, w := range []wedge{
		{name: "the peer swallows pushes", before: func(hung *atomic.Bool) func(http.ResponseWriter, *http.Request) bool {
			return func(_ http.ResponseWriter, r *http.Request) bool {
				return r.URL.Path == "/v1/push" && hung.CompareAndSwap(true, false) && hang(r)
			}
		}},
		{name: "the peer swallows checkpoint requests", before: func(hung *atomic.Bool) func(http.ResponseWriter, *http.Request) bool {
			return func(_ http.ResponseWriter, r *http.Request) bool {
				return r.URL.Path == "/sync/checkpoint-request" && hung.CompareAndSwap(true, false) && hang(r)
			}
		}},
		{name: "only another token is answered", before: func(hung *atomic.Bool) func(http.ResponseWriter, *http.Request) bool {
			return func(_ http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("Authorization") == "Bearer token-0" && hang(r)
			}
		}},
		{name: "the answer never ends", before: func(hung *atomic.Bool) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/v1/push" || !hung.CompareAndSwap(true, false) {
					return false
				}
				_, _ = w.Write([]byte(`{"results":[`))
				_ = http.NewResponseController(w).Flush()
				return hang(r)
			}
		}},
		{name: "the server forgets the write checkpoint", mute: true},
		{name: "a callback never returns", tokens: func(hung *atomic.Bool) *coins {
			return &coins{hang: func() bool { return hung.Load() }}
		}},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			var hung atomic.Bool
			hung.Store(true)
			var before func(http.ResponseWriter, *http.Request) bool
			if w.before != nil {
				before = w.before(&hung)
			}
			s := newStandIn(t, before)
			if w.mute {
				s.mute = hung.Load
			}
			tokens := &coins{}
			if w.tokens != nil {
				tokens = w.tokens(&hung)
			}
			d := alone(t, s.URL, tokens, hurried)
			d.db.Exec("INSERT INTO decisions (id, decision) VALUES ('d1', 'kept')")
			d.starts()
			d.waits(patience, func() error {
				r := d.report()
				if r.Progress == nil || r.Progress.Phase != app.PhaseStalled || r.Progress.Cause == "" || len(r.Cloud.Steps) != len(ladder) || !r.Cloud.Steps[0].Done {
					return fmt.Errorf("%+v %+v", r.Progress, r.Cloud)
				}
				return nil
			})
			if w.mute || w.tokens != nil {
				hung.Store(false) // it heals what the other end no longer does
			}
			took := d.waits(patience, func() error {
				r := d.report()
				if n, same := s.groups(); n != 1 || !same || r.Cloud.PendingUploads != 0 || r.Cloud.Steps != nil || r.Progress != nil {
					return fmt.Errorf("%d %v %+v %+v", n, same, r.Progress, r.Cloud)
				}
				return nil
			})
			t.Logf("healed %v after it was shown", took)
		})
	}
}

// TestTheLadderIsInTime: shown after 30 s, and every rung taken before 90 s.
func TestTheLadderIsInTime(t *testing.T) {
	p := pace{}.orDefaults()
	if last := p.stall + p.settle + time.Duration(len(ladder)-1)*(p.rung+p.settle); p.stall > 30*time.Second || last > 85*time.Second {
		t.Errorf("a stall is shown after %v, the last rung is taken after %v", p.stall, last)
	}
}
