package standalone

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// person has signed in with one token.
type person string

func (p person) Token(context.Context) (string, error) { return string(p), nil }
func (person) Refuse(string)                           {}

// signIn is one whose tokens the storage knows, until they do not.
type signIn struct {
	mu      sync.Mutex
	n       int
	current string
	over    error
}

func (s *signIn) Token(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == "" && s.over != nil {
		return "", s.over
	}
	if s.current == "" {
		s.n++
		s.current = strings.Repeat("t", s.n)
	}
	return s.current, nil
}

func (s *signIn) Refuse(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == token {
		s.current = ""
	}
}

// TestBearer: a token that the storage does not take any more is replaced, and nobody sees it; a sign-in that is over is told
// as such, whatever is asked of the storage.
func TestBearer(t *testing.T) {
	gcs := apptest.StartGCS(t, "memory")
	gcs.Setenv(t)
	who := &signIn{}
	good := "t"
	gcs.Require(func(token string) bool { who.mu.Lock(); defer who.mu.Unlock(); return token == good })
	target := openTarget(t, TargetConfig{URL: "gs://memory/x", Bearer: who})
	if _, err := target.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_CLOUD_PROJECT", "")
	other := openTarget(t, TargetConfig{URL: "gs://new/x", Bearer: who})
	if e := mustCode(t, other.Create(t.Context()), app.CodeInvalid); !strings.Contains(e.Message, "project") || gcs.HasBucket("new") {
		t.Errorf("a bucket of no project: %+v", e)
	}
	t.Setenv("GOOGLE_CLOUD_PROJECT", "mine")
	if err := openTarget(t, TargetConfig{URL: "gs://new/x", Bearer: who}).Create(t.Context()); err != nil || !gcs.HasBucket("new") {
		t.Errorf("a bucket of a project: %v", err)
	}
	who.mu.Lock()
	good = "tt"
	who.mu.Unlock()
	if _, err := target.store.dirs(t.Context(), layoutRoot); err != nil {
		t.Errorf("a listing after a token was replaced: %v", err)
	}
	if who.n != 2 {
		t.Errorf("%d tokens", who.n)
	}
	who.mu.Lock()
	good, who.over = "none", app.Errorf(app.CodeSignedOut, "google", "Sign in again.")
	who.mu.Unlock()
	for what, ask := range map[string]func() error{
		"list":  func() error { _, err := target.store.dirs(t.Context(), layoutRoot); return asError("list", err) },
		"read":  func() error { _, err := target.getBytes(t.Context(), "x"); return asError("read", err) },
		"write": func() error { return asError("write", target.putBytes(t.Context(), "x", []byte("x"))) },
		"claim": func() error { return asError("claim", target.store.claim(t.Context(), "x", []byte("x"))) },
		"probe": func() error { _, err := target.Probe(t.Context()); return err },
	} {
		e, ok := errors.AsType[*app.Error](ask())
		if !ok || e.Code != app.CodeSignedOut || e.Op != "google" {
			t.Errorf("%s: %+v", what, e)
		}
	}
}
