package cli

import (
	"log/slog"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
)

func TestAccessKeysAsPeopleHaveThem(t *testing.T) {
	for what, text := range map[string]string{
		"two lines":   "AKIAX\nsecret+/=\n",
		"spaces":      "\n  AKIAX  \r\n\r\n secret+/= \r\n",
		"profile":     "[default]\naws_access_key_id = AKIAX\naws_secret_access_key = secret+/=\n[other]\naws_access_key_id = B\naws_secret_access_key = c\n",
		"environment": "# mine\naws_access_key_id=AKIAX\naws_secret_access_key=secret+/=",
		"console":     "\ufeffAccess key ID,Secret access key\r\nAKIAX,secret+/=\r\n",
	} {
		if key, ok := parseAccess(text); !ok || key.ID != "AKIAX" || key.Secret.Reveal() != "secret+/=" {
			t.Errorf("%s: %q, %v", what, key.ID, ok)
		}
	}
	for _, text := range []string{"", "AKIAX", "AKIAX\n\n", "a\nb\nc", "aws_access_key_id=AKIAX", "[default]", "Access key ID,Secret access key", "one two\nthree", "a,"} {
		if key, ok := parseAccess(text); ok {
			t.Errorf("%q gives %q", text, key.ID)
		}
	}
}

// TestAnAccessKeyIsPutBack: a secret that was tried in the place of another leaves that one as it was.
func TestAnAccessKeyIsPutBack(t *testing.T) {
	safe := accessSafe{login.NewSafe(login.Config{Home: t.TempDir(), Machine: "studio", NoKeychain: true, Logger: slog.New(slog.DiscardHandler)})}
	tries := func(secret app.Secret) func() error {
		t.Helper()
		note, undo, err := safe.Keep(app.AccessKey{ID: "one", Secret: secret})
		if err != nil || note == "" {
			t.Fatal(note, err)
		}
		return undo
	}
	if err := tries("wrong")(); err != nil {
		t.Fatal(err)
	}
	if _, err := safe.key("one"); app.CodeOf(err) != app.CodeDenied {
		t.Errorf("kept although it was undone: %v", err)
	}
	tries("good")
	if err := tries("wrong")(); err != nil {
		t.Fatal(err)
	}
	if key, err := safe.key("one"); err != nil || key.Secret.Reveal() != "good" {
		t.Errorf("the one of before is not back: %v", err)
	}
}
