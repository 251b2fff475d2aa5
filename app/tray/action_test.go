package tray

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// script writes down what was called.
type script struct {
	apptest.FakeService
	calls []string
}

func newScript() *script {
	s := &script{}
	s.EditPrefsFunc = func(_ context.Context, e app.PrefsEdit) (app.Status, error) {
		if e.Mode != nil {
			s.say("mode %s", *e.Mode)
		}
		if e.PausedUntil != nil {
			s.say("until %s", e.PausedUntil.UTC().Format(time.RFC3339))
		}
		return app.Status{}, nil
	}
	s.RestoreFunc = func(_ context.Context, r app.RestoreRequest) (app.RestoreResult, error) {
		s.say("restore %q %s", r.Point, r.At.UTC().Format(time.RFC3339Nano))
		return app.RestoreResult{Point: app.RestorePoint{Time: before(2 * time.Hour)}, Equal: true}, nil
	}
	s.UndoFunc = func(context.Context) (app.RestoreResult, error) {
		s.say("undo")
		return app.RestoreResult{Note: "Another program wrote meanwhile."}, nil
	}
	s.VerifyFunc = func(context.Context) (app.Drill, error) { s.say("verify"); return app.Drill{OK: true, Rows: 1234}, nil }
	s.PushFunc = func(context.Context, app.PushRequest) (app.PushResult, error) {
		s.say("push")
		return app.PushResult{Pushed: 10, Rejected: 2}, nil
	}
	s.ProveFunc = func(context.Context) (app.Proof, error) {
		s.say("prove")
		return app.Proof{Problem: "The table decisions differs in 1 row.", Cure: "It is being fetched again."}, nil
	}
	s.QuitFunc = func(context.Context) error { s.say("quit"); return nil }
	s.DoctorFunc = func(context.Context) ([]app.Finding, error) {
		s.say("doctor")
		return []app.Finding{{Level: app.LevelOK}, {Level: app.LevelWarn, Detail: "Same disk."}, {Level: app.LevelBad, Detail: "No storage."}}, nil
	}
	return s
}

func (s *script) say(format string, args ...any) {
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

// Flush takes note of it.
func (s *script) Flush(context.Context) (app.RestorePoint, error) {
	s.say("flush")
	return app.RestorePoint{}, nil
}

func TestActions(t *testing.T) {
	for _, c := range []struct {
		do       Action
		called   string
		sentence string
	}{
		{Action{Kind: SetMode, Mode: app.ModeOff}, "mode off", ""},
		{Action{Kind: Pause, For: 2 * time.Hour}, "until 2025-11-24T15:03:03Z", ""},
		{Action{Kind: Pause, For: UntilTomorrow}, "until 2025-11-25T07:00:00Z", ""},
		{Action{Kind: Pause, For: UntilResumed}, "until 9999-01-01T00:00:00Z", ""},
		{Action{Kind: Resume}, "until 0001-01-01T00:00:00Z", ""},
		{Action{Kind: Sync}, "flush", ""},
		{Action{Kind: Sync, Mode: app.ModeCloud}, "push", "2 of 12 changes were not accepted; they are in lost & found."},
		{Action{Kind: Prove}, "prove", "The table decisions differs in 1 row. It is being fetched again."},
		{Action{Kind: Restore, Point: "00000000000012ab"}, `restore "00000000000012ab" 0001-01-01T00:00:00Z`, "Your memory is as it was at 12:03:03."},
		{Action{Kind: Restore, Ago: time.Hour}, `restore "" 2025-11-24T12:03:03Z`, "Your memory is as it was at 12:03:03."},
		{Action{Kind: Restore, Yesterday: true}, `restore "" 2025-11-23T22:59:59.999Z`, "Your memory is as it was at 12:03:03."},
		{Action{Kind: Undo}, "undo", "Another program wrote meanwhile."},
		{Action{Kind: Verify}, "verify", "Proved just now: a test restore gave back all 1,234 rows."},
		{Action{Kind: Doctor}, "doctor", "The doctor found 2 of 3: No storage."},
		{Action{Kind: Open, View: ViewRestore}, "window restore", ""},
		{Action{Kind: Logs}, "logs", ""},
		{Action{Kind: Quit}, "quit", ""},
	} {
		s := newScript()
		d := deed{
			actions: s, now: func() time.Time { return noon },
			openWindow: func(view string) error { s.say("window %s", view); return nil },
			showLogs:   func() error { s.say("logs"); return nil },
		}
		sentence, err := d.do(t.Context(), c.do)
		if err != nil || sentence != c.sentence || !reflect.DeepEqual(s.calls, []string{c.called}) {
			t.Errorf("%+v: called %q, said %q, %v", c.do, s.calls, sentence, err)
		}
	}
}

func TestOutcomes(t *testing.T) {
	broken := errors.New("broken")
	if _, err := proved(app.Drill{}, broken); !errors.Is(err, broken) {
		t.Errorf("a drill that could not run: %v", err)
	}
	if got, err := proved(app.Drill{Problem: "The table decisions differs."}, nil); got != "The test restore failed: The table decisions differs." || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := found([]app.Finding{{Level: app.LevelOK}}, nil); got != "The doctor found nothing wrong." || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := found(nil, broken); !errors.Is(err, broken) {
		t.Errorf("a doctor that could not look: %v", err)
	}
}
