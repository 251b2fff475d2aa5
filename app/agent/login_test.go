package agent_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
)

// door is a way in that a test opens and shuts; it signs the session in and out.
type door struct {
	who      *session
	mu       sync.Mutex
	begun    []string
	end      func(error) // of the newest attempt
	failed   error       // of Logout
	note     string
	machines []app.Machine
	revoked  string
	office
}

func (d *door) Begin(_ context.Context, server string, device bool) (agent.Attempt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !strings.HasPrefix(server, "https://") {
		return agent.Attempt{}, app.Errorf(app.CodeInvalid, "login", "No address.").WithHint("Use another.")
	}
	d.begun = append(d.begun, server)
	done := make(chan struct{})
	var once sync.Once
	var why error
	end := func(err error) { once.Do(func() { why = err; close(done) }) }
	d.end = func(err error) {
		d.who.set(err == nil)
		end(err)
	}
	a := agent.Attempt{URL: "http://127.0.0.1:1/sign-in/x", Until: time.Now().Add(time.Minute), Done: done, Err: func() error { return why }}
	if a.Cancel = func() { end(app.Errorf(app.CodeCanceled, "login", "Canceled.")) }; device {
		a.URL, a.Code = "https://sync.example.com/id/device", "BCDF-GHJK"
	}
	return a, nil
}

func (d *door) finish(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(err)
}

func (d *door) Note() string { return d.note }

func (d *door) Logout(context.Context) (string, error) {
	if d.failed == nil {
		d.who.set(false)
	}
	return "The server could not be told.", d.failed
}

func (d *door) Machines(context.Context) ([]app.Machine, error) { return d.machines, nil }
func (d *door) RenameMachine(_ context.Context, id, name string) error {
	d.revoked = id + name
	return nil
}
func (d *door) RevokeMachine(_ context.Context, id string) error { d.revoked = id; return nil }

// doored is a home with an account and a way into it, where nobody is signed in.
func doored(t *testing.T) (*home, *door) {
	h, who, _ := clouded(t, goodProof())
	who.set(false)
	d := &door{who: who}
	h.cfg.Door = d
	return h, d
}

// awaitLogin waits until a sign-in stands like this.
func awaitLogin(t *testing.T, a *agent.Agent, want app.LoginState) app.Login {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		l, err := a.LoginState(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if l.State == want {
			return l
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v, want %s", l, want)
		}
	}
}

func TestSigningInSwitchesCloudModeOn(t *testing.T) {
	h, d := doored(t)
	d.note = "It is kept in a file."
	a := h.start()
	if _, err := a.BeginLogin(t.Context(), app.LoginRequest{Server: "ftp://x"}); app.CodeOf(err) != app.CodeInvalid {
		t.Fatal(err)
	}
	l, err := a.BeginLogin(t.Context(), app.LoginRequest{Device: true})
	if err != nil || l.State != app.LoginWaiting || l.Code != "BCDF-GHJK" || l.Until.IsZero() {
		t.Fatalf("%+v, %v", l, err)
	}
	d.finish(nil)
	l = awaitLogin(t, a, app.LoginDone)
	if l.User != "mira@example.com" || l.Move || l.Error != nil || l.URL != "" || l.Code != "" || len(l.Notes) != 1 {
		t.Errorf("%+v", l)
	}
	st := h.await(a, "cloud mode", func(s app.Status) bool { return s.State == app.StateCloud })
	if !st.Cloud.SignedIn {
		t.Errorf("%+v", st.Cloud)
	}
	events, err := a.Activity(t.Context(), 0)
	found := false
	for _, e := range events {
		found = found || e.Kind == app.EventAccount && strings.Contains(e.Text, "mira@example.com")
	}
	if err != nil || !found {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestSigningInBesideStandaloneOffersAMove(t *testing.T) {
	h, d := doored(t)
	a := h.start()
	h.setup(a)
	on := app.ModeStandalone
	if _, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &on}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.BeginLogin(t.Context(), app.LoginRequest{}); err != nil {
		t.Fatal(err)
	}
	d.finish(nil)
	if l := awaitLogin(t, a, app.LoginDone); !l.Move {
		t.Errorf("%+v", l)
	}
	if st := h.await(a, "standalone mode", func(s app.Status) bool { return s.Mode == app.ModeStandalone }); !st.Cloud.SignedIn {
		t.Errorf("%+v", st.Cloud)
	}
	if _, err := a.Logout(t.Context(), app.LogoutRequest{Wipe: true}); app.CodeOf(err) != app.CodeRefused {
		t.Errorf("wiping the only copy: %v", err)
	}
}

func TestSignInsThatDoNotEndWell(t *testing.T) {
	h, d := doored(t)
	a := h.start()
	begin := func() {
		t.Helper()
		if _, err := a.BeginLogin(t.Context(), app.LoginRequest{Server: "https://other.example.com"}); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	d.finish(app.Errorf(app.CodeDenied, "login", "You chose not to sign in.").WithHint("Nothing has changed."))
	if l := awaitLogin(t, a, app.LoginFailed); l.Error == nil || l.Error.Code != app.CodeDenied {
		t.Errorf("%+v", l)
	}
	begin()
	first := d.end
	begin() // replaces it
	first(errors.New("it comes too late"))
	if l := awaitLogin(t, a, app.LoginWaiting); l.Error != nil {
		t.Errorf("%+v", l)
	}
	if err := a.CancelLogin(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitLogin(t, a, app.LoginIdle)
	begin() // and the agent ends with it
}

func TestSigningOut(t *testing.T) {
	h, d := doored(t)
	waiting := int64(88)
	var mu sync.Mutex
	h.file.OnCapture = func() app.Capture {
		mu.Lock()
		defer mu.Unlock()
		return app.Capture{Enrolled: true, Waiting: waiting}
	}
	h.cfg.Idle = true // nothing goes up
	a := h.start()
	d.who.set(true)
	cloud := app.ModeCloud
	if _, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &cloud}); err != nil {
		t.Fatal(err)
	}
	_, err := a.Logout(t.Context(), app.LogoutRequest{})
	if e := app.AsError("", err); e == nil || e.Code != app.CodeRefused || e.Message != "88 changes are on this machine only." {
		t.Fatalf("%v", err)
	}
	d.failed = app.Errorf(app.CodeUnreachable, "logout", "The keychain does not open.").WithHint("Unlock it.")
	if _, err := a.Logout(t.Context(), app.LogoutRequest{Force: true}); app.CodeOf(err) != app.CodeUnreachable {
		t.Fatal(err)
	}
	if st, err := a.Status(t.Context()); err != nil || st.Mode != app.ModeCloud || !st.Cloud.SignedIn {
		t.Errorf("a sign-out that failed changed something: %+v, %v", st, err)
	}
	d.failed = nil
	res, err := a.Logout(t.Context(), app.LogoutRequest{Force: true})
	if err != nil || len(res.Steps) != 3 || res.Status.Mode != app.ModeOff {
		t.Errorf("%+v, %v", res, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if waiting != 88 {
		t.Error("what waited is gone")
	}
}

func TestMachinesOfTheAccount(t *testing.T) {
	h, d := doored(t)
	d.machines = []app.Machine{{ID: "m1", Name: "studio", SeenAt: time.Now(), This: true}}
	a := h.start()
	if err := a.RevokeMachine(t.Context(), "m1"); app.CodeOf(err) != app.CodeSignedOut {
		t.Error(err)
	}
	d.who.set(true)
	cloud := app.ModeCloud
	if _, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &cloud}); err != nil {
		t.Fatal(err)
	}
	if list, err := a.Machines(t.Context()); err != nil || len(list) != 1 || list[0].Name != "studio" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := a.RenameMachine(t.Context(), "m1", "desk"); err != nil || d.revoked != "m1desk" {
		t.Error(d.revoked, err)
	}
	if err := a.RevokeMachine(t.Context(), "m1"); err != nil || d.revoked != "m1" {
		t.Error(d.revoked, err)
	}
}
