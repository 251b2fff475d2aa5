package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) pauseVerb() *cobra.Command {
	var length, end string
	c := p.verb("pause", "Copy nothing for a while", func(ctx context.Context) error {
		t, err := p.pauseEnd(length, end)
		if err != nil {
			return err
		}
		return p.editPause(ctx, t)
	})
	c.Long = "Copy nothing until the time given, or until `coditect-sync resume`. Changes stay on this machine meanwhile."
	p.word(c, &length, "for", "how long: 30m, 2h, 1d")
	p.word(c, &end, "until", "until when: 15:30, \"2026-11-20 14:00\"")
	return c
}

func (p *program) resumeVerb() *cobra.Command {
	return p.verb("resume", "End a pause", func(ctx context.Context) error { return p.editPause(ctx, time.Time{}) })
}

func (p *program) editPause(ctx context.Context, end time.Time) error {
	return p.with(ctx, anyhow, func(s *session) error {
		st, err := s.EditPrefs(ctx, app.PrefsEdit{PausedUntil: &end})
		if err != nil {
			return err
		}
		if !end.IsZero() && st.State != app.StatePaused {
			p.out.line(plain.of("The pause is saved, %s.", until(end, p.now())))
		}
		p.out.line(plain.of("%s", st.Summary))
		return nil
	})
}

// pauseEnd is when a pause ends. A time of day that has passed means tomorrow's.
func (p *program) pauseEnd(length, end string) (time.Time, error) {
	now := p.now()
	switch {
	case length != "" && end != "":
		return time.Time{}, app.Errorf(app.CodeInvalid, "pause", "--for and --until say the same thing twice.").WithHint("Use one of them.")
	case length != "":
		d, err := parseSpan("pause", length)
		return now.Add(d), err
	case end == "":
		return app.UntilResumed, nil
	}
	if _, is := parseAge(end); is {
		return time.Time{}, app.Errorf(app.CodeInvalid, "pause", "%q is a length of time.", end).WithHint("Use --for %s.", end)
	}
	t, err := parseTime("pause", end, now)
	if err != nil {
		return time.Time{}, err
	}
	if _, bare := clockOfDay(end, now); bare && !t.After(now) && dayNumber(t) == dayNumber(now) {
		t, err = parseTime("pause", t.AddDate(0, 0, 1).Format("2006-01-02 15:04:05"), now)
	}
	if err == nil && !t.After(now) {
		err = app.Errorf(app.CodeInvalid, "pause", "%q has passed already.", end).WithHint("Choose a time to come, or a length with --for.")
	}
	return t, err
}
