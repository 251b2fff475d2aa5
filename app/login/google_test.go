package login_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/login"
)

const mira = "mira@lumen.works"

// googleDesk is a machine from which a person signs in to Google.
type googleDesk struct {
	desk
	*login.Google
	there  *apptest.Google
	client string
}

func newGoogleDesk(t *testing.T) *googleDesk {
	t.Helper()
	d := &googleDesk{desk: desk{home: t.TempDir(), log: &lines{}, clock: &clock{}, net: &network{}}, there: apptest.StartGoogle(t)}
	d.config = login.Config{Home: d.home, Machine: "studio", MachineName: "studio", NoKeychain: true, Now: d.clock.now, Transport: d.net, Logger: quietLog(d.log)}
	d.client = d.there.ClientFile(t, t.TempDir())
	d.fresh()
	return d
}

// fresh is another process of the same home.
func (d *googleDesk) fresh() { d.Google = login.NewGoogle(d.config, login.NewSafe(d.config)) }

func (d *googleDesk) signs(t *testing.T, p apptest.GooglePerson, account string) (*login.GoogleAttempt, string, error) {
	t.Helper()
	a, err := d.Begin(t.Context(), d.client, account)
	if err != nil {
		t.Fatal(err)
	}
	page, err := p.SignIn(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	return a, page, ended(t, a.Attempt)
}

func (d *googleDesk) signedIn(t *testing.T) {
	t.Helper()
	if _, _, err := d.signs(t, apptest.GooglePerson{Account: mira}, ""); err != nil {
		t.Fatal(err)
	}
}

// opens is a token that opens the storage.
func (d *googleDesk) opens(t *testing.T) string {
	t.Helper()
	token, err := d.Account(mira).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !d.there.Knows(token) {
		t.Fatal("the token does not open the storage")
	}
	return token
}

const googleTokenCalls = "POST /token"

func TestGoogleSignIn(t *testing.T) {
	d := newGoogleDesk(t)
	a, page, err := d.signs(t, apptest.GooglePerson{Account: "Mira@Lumen.Works"}, "")
	if err != nil || a.Account() != mira || !strings.Contains(a.Note(), "only you can read") {
		t.Fatal(err, a.Account(), a.Note())
	}
	if !strings.Contains(page, "signed in to Google as "+mira) || !strings.Contains(page, "Cloud Storage") {
		t.Error(page)
	}
	token := d.opens(t)
	d.fresh() // and without the file of the client
	d.client = ""
	d.opens(t)
	d.signedIn(t)
	for path, text := range d.files(t) {
		for _, secret := range []string{token, "1//", d.there.Secret(), "GOCSPX", "ya29"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in the clear in %s", secret, path)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, secret := range []string{token, "1//", "GOCSPX", "code="} {
		if strings.Contains(d.log.String(), secret) || strings.Contains(page, secret) {
			t.Errorf("%s is in the log or on the page", secret)
		}
	}
}

// TestGoogleTokens: a token is fetched when the last one is at its end, by one of many callers.
func TestGoogleTokens(t *testing.T) {
	d := newGoogleDesk(t)
	d.signedIn(t)
	d.net.asked("")
	first := d.opens(t)
	if n := d.net.asked(googleTokenCalls); n != 0 {
		t.Errorf("%d token calls while the first one is good", n)
	}
	d.clock.move(time.Hour)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if token, err := d.Account(mira).Token(t.Context()); err != nil || token == first {
				t.Error("no other token", err)
			}
		})
	}
	all.Wait()
	if n := d.net.asked(googleTokenCalls); n != 1 {
		t.Errorf("%d token calls for one end", n)
	}
	// One that the storage does not take is replaced.
	d.there.Expire()
	token, err := d.Account(mira).Token(t.Context())
	if err != nil || d.there.Knows(token) {
		t.Fatal("the test proves nothing", err)
	}
	d.Account(mira).Refuse(token)
	d.opens(t)
}

func TestGoogleSignsNobodyOutByAccident(t *testing.T) {
	d := newGoogleDesk(t)
	d.signedIn(t)
	for what, answer := range map[string]func(*http.Request) (*http.Response, error){
		"the network is away": func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") },
		"a bad day":           status(http.StatusServiceUnavailable, `{"error":"internal_failure"}`),
		"too many":            status(http.StatusTooManyRequests, `{"error":"rate_limited"}`),
		"a portal":            status(http.StatusOK, `<html>Welcome to the hotel`),
		"a portal's 400":      status(http.StatusBadRequest, `<html>Welcome to the hotel`),
	} {
		d.clock.move(time.Hour)
		d.net.set(answer)
		_, err := d.Account(mira).Token(t.Context())
		if e := wantCode(t, err, app.CodeUnreachable); strings.Contains(e.Error(), "1//") {
			t.Errorf("%s: %v", what, err)
		}
		d.net.set(nil)
		d.clock.move(2 * time.Minute) // no pause
		d.opens(t)
	}
}

func status(code int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		rec := &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Body: http.NoBody, Request: r}
		rec.Body = readCloser{strings.NewReader(body)}
		return rec, nil
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// TestGoogleEndsASignIn: the person took the access back, so that they have to sign in again; Google is asked once.
func TestGoogleEndsASignIn(t *testing.T) {
	d := newGoogleDesk(t)
	d.signedIn(t)
	d.there.Revoke(mira)
	d.clock.move(time.Hour)
	d.net.asked("")
	for range 3 {
		_, err := d.Account(mira).Token(t.Context())
		if e := wantCode(t, err, app.CodeSignedOut); e.Op != "google" || !strings.Contains(e.Message, mira) {
			t.Errorf("%+v", e)
		}
		d.clock.move(5 * time.Minute)
	}
	if n := d.net.asked(googleTokenCalls); n != 1 {
		t.Errorf("%d token calls of a sign-in that is over", n)
	}
	// Another person does not go on with it, the same one does.
	_, page, err := d.signs(t, apptest.GooglePerson{Account: "jo@lumen.works"}, mira)
	if e := wantCode(t, err, app.CodeRefused); !strings.Contains(e.Message, "jo@lumen.works") || !strings.Contains(page, "Not signed in") {
		t.Errorf("%+v %s", e, page)
	}
	if d.there.Grants() != 0 {
		t.Error("what was not kept was not given back")
	}
	if _, _, err := d.signs(t, apptest.GooglePerson{Account: mira}, mira); err != nil {
		t.Fatal(err)
	}
	d.opens(t)
}

// TestGoogleSignInOfAnotherProcess: that another process has signed in again is seen.
func TestGoogleSignInOfAnotherProcess(t *testing.T) {
	d := newGoogleDesk(t)
	d.signedIn(t)
	agent := d.Google
	d.there.Revoke(mira)
	d.clock.move(time.Hour)
	if _, err := agent.Account(mira).Token(t.Context()); app.CodeOf(err) != app.CodeSignedOut {
		t.Fatal(err)
	}
	d.fresh()
	d.signedIn(t)
	d.clock.move(time.Minute)
	if _, err := agent.Account(mira).Token(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestASignInWithTheTokenOfBefore: where a provider gives the same refresh token again, it counts again.
func TestASignInWithTheTokenOfBefore(t *testing.T) {
	d := newGoogleDesk(t)
	d.there.Same = true
	d.signedIn(t)
	d.there.Revoke(mira)
	d.clock.move(time.Hour)
	if _, err := d.Account(mira).Token(t.Context()); app.CodeOf(err) != app.CodeSignedOut {
		t.Fatal(err)
	}
	d.signedIn(t)
	d.clock.move(time.Hour)
	d.opens(t)
}

func TestGoogleSignInThatGivesTooLittle(t *testing.T) {
	d := newGoogleDesk(t)
	for what, c := range map[string]struct {
		person apptest.GooglePerson
		code   app.Code
		says   string
	}{
		"unticked": {apptest.GooglePerson{Account: mira, Unticked: true}, app.CodeDenied, "Cloud Storage was not allowed"},
		"declined": {apptest.GooglePerson{Account: mira, Declines: true}, app.CodeDenied, "chose not to sign in"},
		"no name":  {apptest.GooglePerson{}, app.CodeFailed, "whose account"},
	} {
		_, page, err := d.signs(t, c.person, "")
		if e := wantCode(t, err, c.code); !strings.Contains(e.Message, c.says) || !strings.Contains(page, "Nothing has changed") {
			t.Errorf("%s: %+v, %s", what, e, page)
		}
	}
	if d.there.Grants() != 0 {
		t.Error("what was not kept was not given back")
	}
	if _, err := d.Account(mira).Token(t.Context()); app.CodeOf(err) != app.CodeSignedOut {
		t.Error(err)
	}
	for path := range d.files(t) {
		t.Error("something was kept:", path)
	}
}

func TestGoogleIsForgotten(t *testing.T) {
	d := newGoogleDesk(t)
	d.signedIn(t)
	token := d.opens(t)
	note, err := d.Forget(t.Context(), mira)
	if err != nil || note != "" || d.there.Grants() != 0 || d.there.Knows(token) {
		t.Error(note, err, d.there.Grants())
	}
	if _, err := d.Account(mira).Token(t.Context()); app.CodeOf(err) != app.CodeSignedOut {
		t.Error(err)
	}
	if note, err := d.Forget(t.Context(), mira); err != nil || note != "" {
		t.Error("forgotten twice:", note, err)
	}
	d.signedIn(t)
	lift := d.there.Fault(apptest.On("POST", "/revoke"), apptest.Unplugged)
	defer lift()
	if note, err := d.Forget(t.Context(), mira); err != nil || !strings.Contains(note, "could not be told") {
		t.Error(note, err)
	}
}

func TestGoogleClientFile(t *testing.T) {
	d := newGoogleDesk(t)
	_, err := d.Begin(t.Context(), "", "")
	if e := wantCode(t, err, app.CodeInvalid); e.Op != "google client" || !strings.Contains(e.Hint, "Desktop app") {
		t.Errorf("%+v", e)
	}
	for what, text := range map[string]string{
		"web":       `{"web":{"client_id":"x"}}`,
		"key":       `{"type":"service_account","private_key":"x"}`,
		"no json":   "hello",
		"empty":     "",
		"no id":     `{"installed":{"client_secret":"x"}}`,
		"elsewhere": `{"installed":{"client_id":"x","auth_uri":"http://accounts.example.com/auth"}}`,
	} {
		path := filepath.Join(t.TempDir(), "client.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := d.Begin(t.Context(), path, "")
		if e := wantCode(t, err, app.CodeInvalid); strings.Contains(e.Message, "private_key") {
			t.Errorf("%s: %+v", what, e)
		}
	}
	_, err = d.Begin(t.Context(), filepath.Join(t.TempDir(), "none"), "")
	wantCode(t, err, app.CodeInvalid)
}

// TestGoogleKnowsNotTheClient: the client was deleted, so that no person can help by signing in alone.
func TestGoogleKnowsNotTheClient(t *testing.T) {
	d := newGoogleDesk(t)
	d.signedIn(t)
	d.clock.move(time.Hour)
	lift := d.there.Fault(apptest.On("POST", "/token"), apptest.Fault{Status: http.StatusUnauthorized, Reason: "deleted_client"})
	defer lift()
	_, err := d.Account(mira).Token(t.Context())
	if e := wantCode(t, err, app.CodeDenied); e.Op != "google" || !strings.Contains(e.InShell(), "--google-client") {
		t.Errorf("%+v", e)
	}
}
