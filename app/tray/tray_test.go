package tray

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// film keeps every picture that was painted.
type film struct {
	mu     sync.Mutex
	frames []Menu
}

func (f *film) paint(m Menu, _ bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frames = append(f.frames, m)
}

func (f *film) repaint() {}

func (f *film) last() Menu {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.frames[len(f.frames)-1]
}

func (f *film) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.frames)
}

func (f *film) icons() (icons []Icon) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.frames {
		if n := len(icons); n == 0 || icons[n-1] != m.Icon {
			icons = append(icons, m.Icon)
		}
	}
	return icons
}

// stage runs a tray without a system: clicks come from the test, pictures go to the film. The time is that of the
// bubble, which begins at midnight on 1 January 2000.
type stage struct {
	*tray
	*film
	t       *testing.T
	service *apptest.FakeService
	ctx     context.Context
	end     func()
}

func newStage(t *testing.T, service *apptest.FakeService, change func(*Config)) *stage {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := Config{Service: service, Logger: slog.New(slog.DiscardHandler), OpenWindow: func(string) error { return nil }}
	if change != nil {
		change(&cfg)
	}
	s := &stage{tray: newTray(cfg, cancel), film: &film{}, t: t, service: service, ctx: ctx}
	service.Publish(s.healthy())
	s.canvas = s.film
	rev := s.begin(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.loop(ctx) })
	wg.Go(func() { s.watch(ctx, rev) })
	s.end = func() { cancel(); wg.Wait(); s.lanes.wait() }
	synctest.Wait()
	return s
}

// healthy is a healthy Status of now.
func (s *stage) healthy() app.Status {
	st := healthy()
	st.Standalone.LastReplicatedAt = time.Now()
	st.Standalone.LastDrill.At = time.Now()
	return st
}

func (s *stage) publish(change func(*app.Status)) {
	st := s.healthy()
	change(&st)
	s.service.Publish(st)
}

func (s *stage) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stage) clicked(id ID) {
	s.t.Helper()
	item := find(s.last().Items, id)
	if item == nil || item.Disabled {
		s.t.Fatalf("%s cannot be clicked: %+v", id, item)
	}
	s.post(s.ctx, func() { s.click(s.ctx, item.Do) })
}

func (s *stage) wantIcon(want Icon) {
	s.t.Helper()
	if got := s.last().Icon; got != want {
		s.t.Errorf("the icon is %s, want %s", got, want)
	}
}

func offline(st *app.Status) {
	st.Progress = &app.Progress{Phase: app.PhaseOffline, Since: time.Now()}
}

func damaged(st *app.Status) {
	st.State, st.Healthy, st.Error = app.StateError, false, app.Errorf(app.CodeDamaged, "x", "Damaged.")
}

func bubble(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }

func TestIconWaitsASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, &apptest.FakeService{}, nil)
		defer s.end()
		s.wantIcon(Protected)
		s.sleep(time.Minute)
		s.publish(offline)
		s.sleep(999 * time.Millisecond)
		s.wantIcon(Protected)
		if tip := s.last().Tooltip; !strings.HasPrefix(tip, "Offline") {
			t.Errorf("the text waited too: %q", tip)
		}
		s.sleep(time.Millisecond)
		s.wantIcon(Offline)
	})
}

func TestUrgentIconShowsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, &apptest.FakeService{}, nil)
		defer s.end()
		s.publish(offline)
		s.sleep(10 * time.Millisecond)
		s.publish(damaged)
		s.sleep(0)
		s.wantIcon(Stopped)
		s.publish(func(*app.Status) {})
		s.sleep(500 * time.Millisecond)
		s.wantIcon(Stopped)
		s.sleep(time.Second)
		s.wantIcon(Protected)
	})
}

func TestFlickerIsNotShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, &apptest.FakeService{}, nil)
		defer s.end()
		for range 20 {
			s.publish(offline)
			s.sleep(500 * time.Millisecond)
			s.publish(func(*app.Status) {})
			s.sleep(500 * time.Millisecond)
		}
		if got := s.icons(); !slices.Equal(got, []Icon{Protected}) {
			t.Errorf("showed %v", got)
		}
	})
}

// TestGreenDoesNotLinger: wishes that change faster than the icon do not keep an untrue one.
func TestGreenDoesNotLinger(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, &apptest.FakeService{}, nil)
		defer s.end()
		paused := func(st *app.Status) { st.State, st.PausedUntil = app.StatePaused, app.UntilResumed }
		for i := range 4 {
			s.publish([]func(*app.Status){offline, paused}[i%2])
			s.sleep(300 * time.Millisecond)
		}
		if s.last().Icon == Protected {
			t.Error("still green 1.2 s after it stopped being true")
		}
	})
}

// TestSyncingByTimeAlone: no new Status comes, and the icon changes when something has waited for 5 s.
func TestSyncingByTimeAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, &apptest.FakeService{}, nil)
		defer s.end()
		s.publish(func(st *app.Status) { st.Standalone.WaitingSince = time.Now() })
		s.sleep(5*time.Second + 900*time.Millisecond)
		s.wantIcon(Protected)
		s.sleep(200 * time.Millisecond)
		s.wantIcon(Syncing)
		s.sleep(time.Minute)
		s.wantIcon(Stalled)
	})
}

func TestQuietWhenNothingHappens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		lists := 0
		s := newStage(t, &apptest.FakeService{PointsFunc: func(context.Context, string) (app.Timeline, error) {
			lists++
			return *timeline(), nil
		}}, nil)
		defer s.end()
		s.sleep(2 * time.Hour)
		before := s.count()
		s.sleep(10 * time.Hour)
		if n := s.count() - before; n > 61 {
			t.Errorf("looked %d times in 10 idle hours", n)
		}
		if lists != 1 {
			t.Errorf("listed the points %d times", lists)
		}
	})
}

func TestManyChangesAreFewPictures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, &apptest.FakeService{}, nil)
		defer s.end()
		before := s.count()
		for i := range 1000 {
			s.publish(func(st *app.Status) { st.Standalone.LagBytes, st.Standalone.WaitingSince = int64(i), time.Now() })
			s.sleep(time.Millisecond)
		}
		if n := s.count() - before; n > 6 {
			t.Errorf("painted %d times in a second", n)
		}
		s.sleep(time.Second)
		s.publish(func(*app.Status) {})
		s.sleep(0)
		if got := find(s.last().Items, ItemWaiting).Label; got != "Nothing waiting" {
			t.Errorf("the last change was lost: %q", got)
		}
	})
}

func TestWishesInTheOrderOfClicks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var modes []app.Mode
		service := &apptest.FakeService{}
		service.EditPrefsFunc = func(_ context.Context, e app.PrefsEdit) (app.Status, error) {
			time.Sleep(time.Second) // the final flush of an engine
			modes = append(modes, *e.Mode)
			return app.Status{}, nil
		}
		s := newStage(t, service, nil)
		defer s.end()
		for range 10 {
			s.clicked(ItemOff)
			s.clicked(ItemStandalone)
		}
		s.sleep(30 * time.Second)
		if len(modes) != 20 || modes[0] != app.ModeOff || modes[1] != app.ModeStandalone || modes[19] != app.ModeStandalone {
			t.Errorf("%d wishes arrived: %v", len(modes), modes)
		}
	})
}

// TestSecondRestoreIsNoWish: a double click restores once, and a pause does not wait for it.
func TestSecondRestoreIsNoWish(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var requests []app.RestoreRequest
		paused := time.Duration(0)
		began := time.Now()
		service := &apptest.FakeService{
			PointsFunc: func(context.Context, string) (app.Timeline, error) {
				return app.Timeline{}, app.Errorf(app.CodeUnreachable, "points", "Your storage does not answer.")
			},
			RestoreFunc: func(_ context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
				requests = append(requests, req)
				time.Sleep(time.Minute)
				return app.RestoreResult{Point: app.RestorePoint{Time: time.Now()}, Equal: true}, nil
			},
			EditPrefsFunc: func(context.Context, app.PrefsEdit) (app.Status, error) {
				paused = time.Since(began)
				return app.Status{}, nil
			},
		}
		s := newStage(t, service, nil)
		defer s.end()
		s.sleep(time.Second)
		s.clicked(ItemHourAgo)
		s.clicked(ItemHourAgo)
		s.clicked(ItemPause30m)
		s.sleep(2 * time.Minute)
		if len(requests) != 1 || !requests[0].At.Equal(began.Add(time.Second-time.Hour)) {
			t.Errorf("restored %+v", requests)
		}
		if paused != time.Second {
			t.Errorf("paused after %v", paused)
		}
		if got := find(s.last().Items, ItemOutcome); got == nil || !strings.HasPrefix(got.Label, "Your memory is as it was at") {
			t.Errorf("the outcome is %+v", got)
		}
	})
}

func TestFailureIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var told []Notice
		service := &apptest.FakeService{UndoFunc: func(context.Context) (app.RestoreResult, error) {
			return app.RestoreResult{}, app.Errorf(app.CodeUnreachable, "restore", "Not restored. Every row is as it was.").WithHint("Try later.")
		}}
		s := newStage(t, service, func(c *Config) { c.Tell = func(n Notice) { told = append(told, n) } })
		defer s.end()
		s.publish(func(st *app.Status) { st.Undo = &app.UndoPoint{Until: time.Now().Add(day)} })
		s.sleep(time.Second)
		s.clicked(ItemUndo)
		s.sleep(time.Second)
		if want := (Notice{"Not restored. Every row is as it was.", "Try later."}); len(told) != 1 || told[0] != want {
			t.Errorf("told %+v", told)
		}
		if got := find(s.last().Items, ItemOutcome); got == nil || got.Label != "Not restored. Every row is as it was." {
			t.Errorf("the menu says %+v", got)
		}
		s.sleep(outcomeFor)
		if got := find(s.last().Items, ItemOutcome); got != nil {
			t.Errorf("after 10 minutes it still says %+v", got)
		}
	})
}

func TestPointsAreListedWhenTheMenuOpens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		lists := 0
		var fails error
		s := newStage(t, &apptest.FakeService{PointsFunc: func(context.Context, string) (app.Timeline, error) {
			lists++
			return app.Timeline{Points: []app.RestorePoint{{ID: fmt.Sprintf("%016x", lists), Time: time.Now()}}}, fails
		}}, nil)
		defer s.end()
		open := func() { s.post(s.ctx, func() { s.opened(s.ctx) }); s.sleep(time.Second) }
		open()
		open()
		if lists != 1 {
			t.Errorf("listed %d times in 2 s", lists)
		}
		s.sleep(10 * time.Second)
		open()
		if got := find(s.last().Items, ItemPoint1); lists != 2 || got == nil || got.Do.Point != "0000000000000002" {
			t.Errorf("after %d lists the newest is %+v", lists, got)
		}
		fails = app.Errorf(app.CodeUnreachable, "points", "Your storage does not answer.")
		s.publish(func(st *app.Status) { st.Standalone.Target = "file:///other" })
		s.sleep(2 * time.Second)
		if got := find(s.last().Items, ItemNoPoints); lists != 3 || got == nil || got.Label != "Your storage does not answer." || find(s.last().Items, ItemPoint1) != nil {
			t.Errorf("points of another target are still shown: %+v", s.last().Items)
		}
	})
}

// TestPointsAreListedAnewSeldom: not every panel tells that its menu opens. While changes come, the list is asked for
// anew now and then; where a question costs nothing, more often.
func TestPointsAreListedAnewSeldom(t *testing.T) {
	for target, most := range map[string]int{"gs://a": 5, "file:///a": 61} {
		bubble(t, func(t *testing.T) {
			lists := 0
			s := newStage(t, &apptest.FakeService{PointsFunc: func(context.Context, string) (app.Timeline, error) {
				lists++
				return app.Timeline{}, nil
			}}, nil)
			defer s.end()
			lists = 0
			for i := range 360 {
				s.publish(func(st *app.Status) {
					st.Standalone.Target, st.Standalone.ReplicatedTXID = target, fmt.Sprintf("%016x", 0x2000+i)
				})
				s.sleep(10 * time.Second)
			}
			if lists > most || lists < most*3/4 {
				t.Errorf("%s: listed %d times in an hour, want about %d", target, lists, most)
			}
		})
	}
}

func TestAgentGoneAndBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		broken := make(chan struct{})
		calls := 0
		service := &apptest.FakeService{WatchFunc: func(ctx context.Context, _ uint64) (app.Status, error) {
			if calls++; calls == 4 {
				return healthy(), nil
			}
			if calls > 4 {
				<-ctx.Done()
				return app.Status{}, ctx.Err()
			}
			select {
			case <-broken:
				return app.Status{}, app.Errorf(app.CodeNotRunning, "watch", "CODITECT Sync is not running.")
			case <-ctx.Done():
				return app.Status{}, ctx.Err()
			}
		}}
		s := newStage(t, service, nil)
		defer s.end()
		s.wantIcon(Protected)
		close(broken)
		s.sleep(0)
		s.wantIcon(Stopped)
		if item := find(s.last().Items, ItemOff); !item.Disabled {
			t.Error("the mode can be switched without an agent")
		}
		if item := find(s.last().Items, ItemQuit); item.Disabled {
			t.Error("there is no way to quit")
		}
		s.sleep((1 + 2 + 4) * time.Second) // the attempts are ever further apart
		s.sleep(time.Second)
		if item := find(s.last().Items, ItemOff); item.Disabled || calls < 4 {
			t.Errorf("after call %d the agent is still gone", calls)
		}
	})
}

func TestQuitEndsTheTray(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, &apptest.FakeService{}, nil)
		s.clicked(ItemQuit)
		<-s.service.Done()
		<-s.ctx.Done()
		s.end()
	})
}

func TestWindowIsLookedForWhenTheMenuOpens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		missing := "install coditect-sync-window"
		var opened []string
		s := newStage(t, &apptest.FakeService{}, func(c *Config) {
			c.NoWindow = func() string { return missing }
			c.OpenWindow = func(view string) error { opened = append(opened, view); return nil }
		})
		defer s.end()
		if item := find(s.last().Items, ItemWindow); !item.Disabled || item.Reason != missing {
			t.Errorf("without a window: %+v", item)
		}
		missing = ""
		s.post(s.ctx, func() { s.opened(s.ctx) })
		s.sleep(time.Second)
		s.clicked(ItemChoose)
		s.sleep(time.Second)
		if !slices.Equal(opened, []string{ViewRestore}) {
			t.Errorf("opened %q", opened)
		}
	})
}
