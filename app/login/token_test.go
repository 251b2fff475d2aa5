package login_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// TestTokens runs at one cloud, each with a person and a machine of its own, signed in.
func TestTokens(t *testing.T) {
	c := cloudtest.New(t)
	for name, test := range map[string]func(*testing.T, *desk){
		"many-callers":     manyCallers,
		"expiry":           expiry,
		"refusals":         refusals,
		"clocks":           clocks,
		"bad-days":         badDays,
		"ended-elsewhere":  endedElsewhere,
		"a-lost-answer":    aLostAnswer,
		"revoked-offline":  signingOutOffline,
		"several-sessions": severalSessions,
		"canaries":         canaries,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, c)
			d.signIn(t)
			d.net.asked("")
			test(t, d)
		})
	}
}

// manyCallers at once have one token fetched.
func manyCallers(t *testing.T, d *desk) {
	d.again(t)
	got := make([]string, 50)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			token, err := d.Token(t.Context())
			if err != nil {
				t.Error(err)
			}
			got[i] = token
		})
	}
	all.Wait()
	for _, token := range got {
		if token != got[0] {
			t.Fatal("different tokens")
		}
	}
	if n := d.net.asked(tokenCalls); n != 1 {
		t.Errorf("%d requests for a token", n)
	}
}

// expiry: a token is replaced while it still serves, serves on while it cannot be replaced, and is not handed out at its end.
func expiry(t *testing.T, d *desk) {
	first := d.token(t)
	d.clock.move(8 * time.Minute) // of 10
	if d.token(t) != first {
		t.Error("replaced too early")
	}
	d.clock.move(time.Minute)
	second := d.token(t)
	if n := d.net.asked(tokenCalls); n != 1 || second == first {
		t.Errorf("%d requests for a token", n)
	}
	d.net.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("no network") })
	d.clock.move(9 * time.Minute)
	if token, err := d.Token(t.Context()); token != second || err != nil {
		t.Errorf("a token that is good for a minute is not handed out while offline: %v", err)
	}
	d.clock.move(35 * time.Second)
	_, err := d.Token(t.Context())
	wantCode(t, err, app.CodeUnreachable)
	if !d.Info().SignedIn {
		t.Error("signed out by being offline")
	}
	d.net.set(nil)
	d.clock.move(2 * time.Second)
	d.token(t)
}

// refusals: a refused token is replaced at once, the next ones after pauses that grow; a token that served ends that.
func refusals(t *testing.T, d *desk) {
	first := d.token(t)
	d.Refuse("another one")
	if d.token(t) != first {
		t.Error("replaced although another one was refused")
	}
	d.Refuse(first)
	d.Refuse(first)
	if d.token(t) == first || d.net.asked(tokenCalls) != 1 {
		t.Error("not replaced once")
	}
	waited := time.Duration(0)
	for range 8 {
		token, err := d.Token(t.Context())
		for ; err != nil; token, err = d.Token(t.Context()) {
			wantCode(t, err, app.CodeUnreachable)
			d.clock.move(500 * time.Millisecond)
			waited += 500 * time.Millisecond
		}
		d.Refuse(token)
	}
	if n := d.net.asked(tokenCalls); n > 8 || waited < 30*time.Second {
		t.Errorf("%d requests in %s", n, waited)
	}
	if !d.Info().SignedIn {
		t.Error("signed out by refusals")
	}
	d.clock.move(2 * time.Minute)
	d.token(t)
	d.clock.move(2 * time.Minute)
	d.Refuse(d.token(t))
	d.token(t) // at once again
}

// clocks that are wrong by a day, or jump by one, cost a few requests and sign nobody out.
func clocks(t *testing.T, d *desk) {
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour, -24 * time.Hour, 48 * time.Hour, -time.Hour, time.Hour,
		-56 * 365 * 24 * time.Hour, 68 * 365 * 24 * time.Hour} {
		d.net.asked("")
		d.clock.move(jump)
		token, err := d.Token(t.Context())
		if err == nil && d.ask(t, token) != http.StatusOK { // a clock that went back makes it look fresh
			d.Refuse(token)
			token, err = d.Token(t.Context())
		}
		if err != nil || d.ask(t, token) != http.StatusOK {
			t.Fatalf("after %s: %v", jump, err)
		}
		if n := d.net.asked(tokenCalls); n > 1 {
			t.Errorf("%d requests after %s", n, jump)
		}
		d.signIn(t) // also works with a wrong clock
	}
}

// badDays of the server and the network are no ends.
func badDays(t *testing.T, d *desk) {
	answer := func(status int, kind, body string, header ...string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			h := http.Header{"Content-Type": {kind}}
			if len(header) > 0 {
				h.Set(header[0], header[1])
			}
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}
	}
	const js, page = "application/json", "text/html"
	days := map[string]func(*http.Request) (*http.Response, error){
		"refused":          func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"no time":          func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded },
		"500":              answer(500, js, `{"error":"invalid_grant"}`),
		"502":              answer(502, page, "<html>Bad gateway"),
		"503":              answer(503, js, `{"error":"temporarily_unavailable"}`, "Retry-After", "5"),
		"429":              answer(429, js, `{"error":"invalid_grant"}`, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),
		"portal":           answer(200, page, "<html>Welcome to our WiFi"),
		"portal redirects": answer(302, page, "", "Location", "http://portal.test/?u="),
		"not ours":         answer(404, page, "not found"),
		"forbidden":        answer(403, page, "blocked by your company"),
		"unauthorized":     answer(401, js, `{"error":"invalid_client"}`),
		"teapot":           answer(418, js, `{}`),
		"empty":            answer(200, js, ``),
		"no tokens":        answer(200, js, `{"access_token":"x"}`),
		"other JSON":       answer(200, js, `[1,2]`),
		"not JSON":         answer(200, js, `<html>`),
		"HTML that says":   answer(400, page, `{"error":"invalid_grant"}`),
		"other error":      answer(400, js, `{"error":"invalid_request"}`),
		"hostile error":    answer(400, js, `{"error":"\u001b[31mSECRET"}`),
		"endless":          answer(200, js, `{"access_token":"`+strings.Repeat("x", 2<<20)),
		"grant on 403":     answer(403, js, `{"error":"invalid_grant"}`),
	}
	for name, day := range days {
		d.again(t)
		d.net.set(day)
		d.net.asked("")
		for range 5 {
			_, err := d.Token(t.Context())
			e, ok := errors.AsType[*app.Error](err)
			if !ok || e.Code == app.CodeSignedOut || e.Hint == "" || strings.Contains(e.Error(), "SECRET") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := d.net.asked(tokenCalls); n != 1 {
			t.Errorf("%s: %d requests at once", name, n)
		}
		if !d.Info().SignedIn {
			t.Errorf("%s signs out", name)
		}
		d.net.set(nil)
		d.clock.move(2 * time.Minute)
		d.token(t)
	}
}

// endedElsewhere: the server ended the session. The account stays known, and signing in again goes on with it.
func endedElsewhere(t *testing.T, d *desk) {
	other := deskOf(t, d.cloud, d.person, "other-"+d.config.Machine)
	other.signIn(t)
	r, err := http.NewRequest(http.MethodDelete, d.cloud.URL+"/v1/machines/"+d.config.Machine, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+other.token(t))
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatal(response, err)
	}
	token, err := d.Token(t.Context())
	if err != nil || d.ask(t, token) != http.StatusUnauthorized {
		t.Fatal("the machine is not revoked", err)
	}
	d.Refuse(token)
	d.net.asked("")
	_, err = d.Token(t.Context())
	wantCode(t, err, app.CodeSignedOut)
	if n := d.net.asked(tokenCalls); n != 2 {
		t.Errorf("asked %d times: it must be said twice", n)
	}
	info := d.Info()
	if info.SignedIn || info.Email != d.person.Email || info.EndedAt.IsZero() {
		t.Errorf("%+v", info)
	}
	for range 3 {
		_, err = d.Token(t.Context())
		wantCode(t, err, app.CodeSignedOut)
	}
	if again := d.again(t).Info(); again.SignedIn || again.EndedAt.IsZero() {
		t.Errorf("%+v", again)
	}
	if n := d.net.asked(tokenCalls); n != 0 {
		t.Errorf("%d requests although the end is known", n)
	}
	d.signIn(t)
	d.token(t)
}

// aLostAnswer: the server has given the next token, and the answer never came.
func aLostAnswer(t *testing.T, d *desk) {
	d.again(t)
	d.net.set(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			response.Body.Close()
		}
		return nil, errors.New("cut off")
	})
	_, err := d.Token(t.Context())
	wantCode(t, err, app.CodeUnreachable)
	d.net.set(nil)
	d.clock.move(2 * time.Second)
	d.token(t)
}

// signingOutOffline forgets everything here, and says that the server does not know.
func signingOutOffline(t *testing.T, d *desk) {
	d.net.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("no network") })
	note, err := d.Logout(t.Context())
	if err != nil || !strings.Contains(note, "could not be told") || d.Info().User != "" {
		t.Error(note, err)
	}
}

// severalSessions of one home in one process are like several processes: each uses the refresh token in turn.
func severalSessions(t *testing.T, d *desk) {
	var all sync.WaitGroup
	for range 4 {
		s, _, err := login.New(d.config)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for range 5 {
				token, err := s.Token(t.Context())
				if err != nil || d.ask(t, token) != http.StatusOK {
					t.Error(err)
				}
				s.Refuse(token)
				d.clock.move(2 * time.Minute) // no pause
			}
		})
	}
	all.Wait()
	if n := d.net.asked(tokenCalls); n < 20 {
		t.Errorf("only %d requests", n)
	}
	if !d.again(t).Info().SignedIn {
		t.Error("signed out by itself")
	}
	d.token(t)
}

// canaries: no token, code, verifier or password is in a log or in the clear in a file.
func canaries(t *testing.T, d *desk) {
	d.Refuse(d.token(t))
	d.net.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("no network") })
	_, err := d.Token(t.Context())
	wantCode(t, err, app.CodeUnreachable)
	d.net.set(nil)
	d.clock.move(2 * time.Second)
	d.token(t)
	log, server := d.log.String(), d.cloud.Log()
	for _, secret := range secretsOf(t, d) {
		if strings.Contains(log, secret) || strings.Contains(server, secret) {
			t.Errorf("%.12s… is in a log", secret)
		}
		for name, text := range d.files(t) {
			if strings.Contains(text, secret) {
				t.Errorf("%.12s… is in %s", secret, name)
			}
		}
	}
	for name := range d.files(t) {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
}

// TestTwoProcesses use the refresh token of one home by turns: both get tokens, and nobody is signed out.
func TestTwoProcesses(t *testing.T) {
	if home := os.Getenv("LOGIN_TEST_HOME"); home != "" {
		useTokens(t, home)
		return
	}
	d := newDesk(t, cloudtest.New(t))
	d.signIn(t)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestTwoProcesses$", "-test.count=1")
			cmd.Env = append(os.Environ(), "LOGIN_TEST_HOME="+d.home, "LOGIN_TEST_MACHINE="+d.config.Machine)
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
	all.Wait()
	d.again(t)
	d.token(t)
}

// useTokens is what each of the processes does.
func useTokens(t *testing.T, home string) {
	d := &desk{home: home, log: &lines{}, clock: &clock{}, net: &network{}}
	d.config = login.Config{Home: home, Machine: os.Getenv("LOGIN_TEST_MACHINE"), NoKeychain: true, Now: d.clock.now, Transport: d.net, Logger: quietLog(d.log)}
	d.again(t)
	for i := range 15 {
		token, err := d.Token(t.Context())
		if err != nil {
			t.Fatal(fmt.Errorf("round %d: %w", i, err))
		}
		d.Refuse(token)
		d.clock.move(2 * time.Minute)
	}
}
