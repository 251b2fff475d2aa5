package agent

import (
	"context"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Google signs people in to Google, so that copies can go to their buckets, and keeps those sign-ins.
type Google interface {
	// Begin starts signing in with the browser. It blocks while Google is asked where to go.
	Begin(ctx context.Context, req app.GoogleLogin) (GoogleAttempt, error)
	// Forget gives a sign-in back to Google and removes it here; note is what the person should know, empty when all went
	// well. None is no error.
	Forget(ctx context.Context, account string) (note string, err error)
}

// GoogleAttempt is a sign-in to Google under way.
type GoogleAttempt struct {
	Attempt
	// Who is the account that signed in, and what the person should know of where that is kept; after Done, without an error.
	Who func() (account, note string)
}

func (a *Agent) beginGoogle(ctx context.Context, req app.GoogleLogin) (app.Login, error) {
	if a.cfg.Google == nil {
		return app.Login{}, app.Errorf(app.CodeRefused, "google", "This program cannot sign in to Google.").WithHint("Use coditect-sync.")
	}
	if err := a.CancelLogin(ctx); err != nil {
		return app.Login{}, err
	}
	attempt, err := a.cfg.Google.Begin(ctx, req)
	if err != nil {
		return app.Login{}, err
	}
	return a.showLogin(ctx, attempt.Attempt, "", func(_ context.Context, shown *app.Login) {
		account, note := attempt.Who()
		shown.User = account
		if note != "" {
			shown.Notes = append(shown.Notes, note)
		}
		a.note(app.Event{Kind: app.EventAccount, Text: "Signed in to Google as " + account})
		a.tell(func() { a.goOnWith(account) })
	})
}

// goOnWith begins anew what waits for an account's sign-in. Run's goroutine.
func (a *Agent) goOnWith(account string) {
	if !usesGoogle(a.core.prefs, account) {
		return
	}
	a.core.retryAt, a.core.fails, a.core.fault = time.Time{}, 0, nil
	if e := a.core.engine; e != nil {
		e.ending = true
		e.stop()
	}
}

func usesGoogle(p app.Prefs, account string) bool {
	return slices.ContainsFunc(p.Places(), func(is app.Place) bool { return is.Google == account })
}

// forgetGoogle ends the sign-ins that no storage needs any more, and says what the person should know.
func (a *Agent) forgetGoogle(ctx context.Context, was, p app.Prefs) (notes []string) {
	for _, place := range was.Places() {
		if place.Google == "" || usesGoogle(p, place.Google) {
			continue
		}
		note, err := a.cfg.Google.Forget(ctx, place.Google)
		if err != nil {
			a.log.Warn("sign-in to Google not forgotten", "account", place.Google, "error", err)
			note = "The sign-in to Google as " + place.Google + " is still kept on this machine: the keychain does not open."
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	return notes
}
