package login_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// TestSignIn runs at one cloud, each with a person and a machine of its own.
func TestSignIn(t *testing.T) {
	c := cloudtest.New(t)
	for name, test := range map[string]func(*testing.T, *cloudtest.Cloud){
		"signing-in-and-out":         signingInAndOut,
		"signing-in-by-code":         signingInByCode,
		"a-code-that-is-turned-away": aCodeThatIsTurnedAway,
		"not-now":                    notNow,
		"a-canceled-sign-in-is-over": aCanceledSignInIsOver,
		"others-on-this-machine":     othersOnThisMachine,
		"asking-about-people":        askingAboutPeople,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

func signingInAndOut(t *testing.T, c *cloudtest.Cloud) {
	d := newDesk(t, c)
	if info := d.Info(); info.SignedIn || info.User != "" {
		t.Errorf("before: %+v", info)
	}
	_, err := d.Token(t.Context())
	wantCode(t, err, app.CodeSignedOut)
	changed := d.Changed()
	page := d.signIn(t)
	<-changed
	if !strings.Contains(page, "You are signed in as "+d.person.Email+".") || !strings.Contains(page, "<b>"+d.config.MachineName+"</b>.") {
		t.Error(page)
	}
	info := d.Info()
	if !info.SignedIn || info.Server != d.cloud.URL || info.User == "" || info.Tenant != "lumen" || info.Email != d.person.Email ||
		info.Machine != d.config.Machine || info.SignedInAt.IsZero() || !strings.Contains(info.Note, "file") {
		t.Errorf("%+v", info)
	}
	first := d.token(t)
	if second := d.token(t); second != first {
		t.Error("a token that is good is replaced")
	}
	other := d.again(t)
	if other.Info().User != info.User || d.token(t) == first {
		t.Error("another process of the home is not signed in on its own")
	}
	note, err := d.Logout(t.Context())
	if note != "" || err != nil {
		t.Fatal(note, err)
	}
	if status := d.ask(t, first); status != http.StatusUnauthorized {
		t.Errorf("a token goes on after signing out: %d", status)
	}
	_, err = d.Token(t.Context())
	wantCode(t, err, app.CodeSignedOut)
	if info := d.again(t).Info(); info.SignedIn || info.User != "" {
		t.Errorf("after: %+v", info)
	}
	for name := range d.files(t) {
		if filepath.Base(name) != "lock" {
			t.Errorf("%s is left", name)
		}
	}
	if note, err := d.Logout(t.Context()); note != "" || err != nil {
		t.Error("signing out twice:", note, err)
	}
}

func signingInByCode(t *testing.T, c *cloudtest.Cloud) {
	d := newDesk(t, c)
	a, err := d.BeginDevice(t.Context(), d.cloud.URL)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Code) != 9 || a.URL != d.cloud.URL+"/id/device" || time.Until(a.Until) > 11*time.Minute || time.Until(a.Until) < time.Minute {
		t.Fatalf("%+v", a)
	}
	d.net.asked("")
	lost := 2 // the network is away at first
	d.net.set(func(r *http.Request) (*http.Response, error) {
		if lost--; lost >= 0 && r.URL.Path == "/id/token" {
			return nil, os.ErrDeadlineExceeded
		}
		return nil, nil
	})
	if _, err := d.person.TypeCode(a.URL, a.Code, false); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, a); err != nil {
		t.Fatal(err)
	}
	if info := d.Info(); info.Email != d.person.Email || lost >= 0 {
		t.Errorf("%+v, %d", info, lost)
	}
	d.token(t)
}

func aCodeThatIsTurnedAway(t *testing.T, c *cloudtest.Cloud) {
	d := newDesk(t, c)
	a, err := d.BeginDevice(t.Context(), d.cloud.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.person.TypeCode(a.URL, a.Code, true); err != nil {
		t.Fatal(err)
	}
	wantCode(t, ended(t, a), app.CodeDenied)
	again, err := d.BeginDevice(t.Context(), d.cloud.URL)
	if err != nil {
		t.Fatal(err)
	}
	again.Cancel()
	wantCode(t, again.Err(), app.CodeCanceled)
	if d.Info().SignedIn {
		t.Error("signed in")
	}
}

func notNow(t *testing.T, c *cloudtest.Cloud) {
	d := newDesk(t, c)
	a, err := d.Begin(t.Context(), d.cloud.URL)
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.person.Decline(a.URL)
	if err != nil || !strings.Contains(page, "You chose not to sign in. Nothing has changed on <b>"+d.config.MachineName+"</b>.") {
		t.Error(page, err)
	}
	wantCode(t, ended(t, a), app.CodeDenied)
}

func aCanceledSignInIsOver(t *testing.T, c *cloudtest.Cloud) {
	d := newDesk(t, c)
	opened := ""
	d.config.Open = func(url string) error { opened = url; return os.ErrNotExist }
	d.again(t)
	a, err := d.Begin(t.Context(), d.cloud.URL)
	if err != nil || opened != a.URL {
		t.Fatal(opened, err)
	}
	a.Cancel()
	wantCode(t, a.Err(), app.CodeCanceled)
	if _, err := http.Get(a.URL); err == nil {
		t.Error("something listens")
	}
	if !strings.Contains(d.log.String(), "no browser opens") {
		t.Error("the log does not say that no browser opened")
	}
}

// othersOnThisMachine: a second person, and another server, take a machine over as far as they may.
func othersOnThisMachine(t *testing.T, c *cloudtest.Cloud) {
	d := newDesk(t, c)
	d.signIn(t)
	first := d.token(t)
	jo := cloudtest.Person{Email: "jo@lumen.works", Password: d.cloud.Add(t, "lumen", "jo@lumen.works")}
	a, err := d.Begin(t.Context(), d.cloud.URL)
	if err != nil {
		t.Fatal(err)
	}
	page, err := jo.SignIn(a.URL)
	if err != nil || !strings.Contains(page, "somebody else") {
		t.Error(page, err)
	}
	wantCode(t, ended(t, a), app.CodeRefused)
	if d.Info().Email != d.person.Email || d.token(t) != first {
		t.Error("the first person is signed out")
	}
	elsewhere := cloudtest.New(t)
	there := cloudtest.Person{Email: "mira@home.test", Password: elsewhere.Add(t, "home", "mira@home.test")}
	here := d.cloud
	d.cloud, d.person = elsewhere, there
	d.signIn(t)
	if info := d.Info(); info.Server != elsewhere.URL || info.Email != "mira@home.test" {
		t.Errorf("%+v", info)
	}
	d.token(t)
	d.cloud = here
	if status := d.ask(t, first); status != http.StatusUnauthorized {
		t.Errorf("the former server still knows this machine: %d", status)
	}
}

func TestAddresses(t *testing.T) {
	for typed, want := range map[string]string{
		"https://sync.lumen.works": "https://sync.lumen.works", " sync.Lumen.works/ ": "https://sync.lumen.works",
		"http://127.0.0.1:8321": "http://127.0.0.1:8321", "http://[::1]:8321/": "http://[::1]:8321",
	} {
		if got, err := login.ServerAddress(typed); got != want || err != nil {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", "http://sync.lumen.works", "http://localhost:8321", "http://127.0.0.1.evil.test", "https://u:p@sync.lumen.works",
		"https://sync.lumen.works/path", "https://sync.lumen.works?x", "https://sync.lumen.works#x", "ftp://sync.lumen.works", "file:///etc", "https://",
		"javascript:alert(1)", "https:sync.lumen.works", "http://2130706433"} {
		if got, err := login.ServerAddress(typed); err == nil {
			t.Errorf("%q is taken as %q", typed, got)
		} else {
			wantCode(t, err, app.CodeInvalid)
		}
	}
}
