package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
)

// TestKeySafe: what the keychain gives is the key that was asked for, or it is said that it is not. No error tells a key.
func TestKeySafe(t *testing.T) {
	safe := keySafe{login.NewSafe(login.Config{Home: t.TempDir(), Machine: "m1", NoKeychain: true, Logger: slog.New(slog.DiscardHandler)})}
	made, err := safe.New()
	if err != nil {
		t.Fatal(err)
	}
	other, err := safe.New()
	if err != nil {
		t.Fatal(err)
	}
	if k, err := safe.key(""); k != nil || err != nil {
		t.Errorf("of plain copies: %v, %v", k, err)
	}
	needs := func(what, words string) {
		t.Helper()
		k, err := safe.key(made.ID)
		e := app.AsError("", err)
		if k != nil || !needsKey(err) || e.Code != app.CodeDenied || !strings.Contains(e.Message, words) || e.Hint == "" || !strings.Contains(e.InShell(), "--key-file") {
			t.Errorf("%s: %v, %v", what, k, err)
		}
		if strings.Contains(err.Error()+e.Hint+e.TypedHint, "AGE-SECRET") {
			t.Errorf("%s: a key was told", what)
		}
	}
	needs("a keychain that lost it", "is not in the keychain")
	for what, text := range map[string]string{"another's": other.Key.Reveal(), "nonsense": "AGE-SECRET-KEY-1NONSENSE"} {
		if _, err := safe.Safe.Keep(made.ID, text); err != nil {
			t.Fatal(err)
		}
		needs(what, "is not the recovery key")
	}
	if _, err := safe.Keep("hello"); app.CodeOf(err) != app.CodeInvalid {
		t.Errorf("kept: %v", err)
	}
	if _, err := safe.Keep(app.Secret("  " + strings.ToLower(made.Key.Reveal()) + "\n")); err != nil {
		t.Fatal(err)
	}
	if k, err := safe.key(made.ID); err != nil || k.Secret() != made.Key.Reveal() {
		t.Errorf("the key: %v", err)
	}
}
