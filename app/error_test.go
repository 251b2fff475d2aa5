package app_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestErrorKeepsCodeHintAndCause(t *testing.T) {
	err := fmt.Errorf("outer: %w", app.Errorf(app.CodeNoSpace, "restore", "This disk has %d MB left.", 90).
		WithHint("Free some.").Wrap(fs.ErrPermission))
	if got := app.CodeOf(err); got != app.CodeNoSpace {
		t.Errorf("CodeOf = %q", got)
	}
	if !errors.Is(err, fs.ErrPermission) {
		t.Error("the cause is lost")
	}
	e := app.AsError("x", err)
	if e.InShell() != "Free some." || e.Typed("Run %s.", "it").InShell() != "Run it." || e.Typed("Run it.").Hint != "Free some." {
		t.Errorf("what is typed: %+v", e)
	}
	if e.Message != "This disk has 90 MB left." || e.Hint != "Free some." || e.Op != "restore" {
		t.Errorf("AsError = %+v", e)
	}
}

func TestForeignErrorsAreFailures(t *testing.T) {
	e := app.AsError("restore", errors.New("boom"))
	if e.Code != app.CodeFailed || e.Op != "restore" || app.CodeOf(errors.New("x")) != app.CodeFailed {
		t.Errorf("AsError = %+v", e)
	}
	if app.AsError("x", nil) != nil || app.CodeOf(nil) != "" {
		t.Error("nil is not an error")
	}
}

// TestExitStatus holds the contract that scripts rely on.
func TestExitStatus(t *testing.T) {
	for code, want := range map[app.Code]int{
		app.CodeFailed: 1, app.CodeInvalid: 2, app.CodeNotRunning: 3, app.CodeSignedOut: 4, app.CodeRefused: 5,
		app.CodeNotFound: 1, app.CodeUnreachable: 1, app.CodeDamaged: 1, "unheard of": 1,
	} {
		if got := code.ExitStatus(); got != want {
			t.Errorf("%s: exit %d, want %d", code, got, want)
		}
	}
	if app.CodeRefused.HTTPStatus() != 409 || app.Code("unheard of").HTTPStatus() != 500 {
		t.Error("HTTP statuses changed")
	}
}
