package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func sprint(v any) string { return fmt.Sprint(v) }

// kid is the key that an ID token names.
func kid(t *testing.T, token *oauth2.Token) string {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	head, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		Kid string `json:"kid"`
	}
	if err != nil || json.Unmarshal(text, &header) != nil {
		t.Fatal(raw, err)
	}
	return header.Kid
}

func set(name, value string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam(name, value) }

func TestNoBrowserIsSentElsewhere(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	for _, address := range []string{"", "https://evil.test/callback", "http://evil.test/callback", "http://127.0.0.1.evil.test:80/callback",
		"http://127.0.0.1:53119@evil.test/callback", "http://evil.test@127.0.0.1:53119/callback", "http://user:pass@127.0.0.1:53119/callback",
		"http://127.0.0.1:53119/other", "http://127.0.0.1:53119/callback/", "http://127.0.0.1:53119/callback/../other", "http://127.0.0.1:53119/Callback",
		"http://127.0.0.1:53119/callback?x=1", "http://127.0.0.1:53119/callback?", "http://127.0.0.1:53119/callback#x", "http://127.0.0.1:53119/callback#",
		"https://127.0.0.1:53119/callback", "http://localhost:53119/callback", "http://127.0.0.1/callback", "http://127.0.0.1:/callback",
		"http://127.0.0.1:53119//callback", "http://127.0.0.1:53119/%63allback", "HTTP://127.0.0.1:53119/callback", "http://[::1%25lo]:53119/callback",
		"http://0.0.0.0:53119/callback", "http://10.0.0.1:53119/callback", "javascript:alert(1)", "data:text/html,x", "coditect-sync://callback",
		"//127.0.0.1:53119/callback", "http://127.0.0.1:53119\\@evil.test/callback", "http://127.0.0.1:99999999/callback", "/callback"} {
		got := b.get(t, p.start(set("redirect_uri", address)))
		if got.status != http.StatusBadRequest || got.header.Get("Location") != "" || !strings.Contains(got.text, "This link leads elsewhere") {
			t.Errorf("%q: %d, sent to %q", address, got.status, got.header.Get("Location"))
		}
	}
	twice := b.get(t, p.start()+"&redirect_uri="+url.QueryEscape("https://evil.test/callback"))
	if twice.status != http.StatusBadRequest {
		t.Errorf("two addresses: %d", twice.status)
	}
	for _, address := range []string{"http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://[::1]:53119/callback", "http://127.8.8.8:53119/callback"} {
		if got := b.get(t, p.start(set("redirect_uri", address))); got.status != http.StatusOK {
			t.Errorf("%q: %d %s", address, got.status, got.text)
		}
	}
}

// Requests that are wrong are answered to the program, with its state and our name, and never with a code.
func TestRequestsThatAreRefused(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	for name, test := range map[string]struct {
		options []oauth2.AuthCodeOption
		want    string
	}{
		"no PKCE":          {[]oauth2.AuthCodeOption{set("code_challenge", ""), set("code_challenge_method", "")}, "invalid_request"},
		"plain PKCE":       {[]oauth2.AuthCodeOption{set("code_challenge", p.verifier), set("code_challenge_method", "plain")}, "invalid_request"},
		"PKCE of no kind":  {[]oauth2.AuthCodeOption{set("code_challenge_method", "")}, "invalid_request"},
		"another PKCE":     {[]oauth2.AuthCodeOption{set("code_challenge_method", "S512")}, "invalid_request"},
		"a short PKCE":     {[]oauth2.AuthCodeOption{set("code_challenge", "x")}, "invalid_request"},
		"no nonce":         {[]oauth2.AuthCodeOption{set("nonce", "")}, "invalid_request"},
		"no state":         {[]oauth2.AuthCodeOption{set("state", "")}, "invalid_request"},
		"a NUL as state":   {[]oauth2.AuthCodeOption{set("state", "a\x00b")}, "invalid_request"},
		"no UTF-8":         {[]oauth2.AuthCodeOption{set("nonce", "a\xffb")}, "invalid_request"},
		"a long state":     {[]oauth2.AuthCodeOption{set("state", strings.Repeat("x", 513))}, "invalid_request"},
		"implicit":         {[]oauth2.AuthCodeOption{set("response_type", "id_token")}, "unsupported_response_type"},
		"hybrid":           {[]oauth2.AuthCodeOption{set("response_type", "code id_token")}, "unsupported_response_type"},
		"token":            {[]oauth2.AuthCodeOption{set("response_type", "token")}, "unsupported_response_type"},
		"form_post":        {[]oauth2.AuthCodeOption{set("response_mode", "form_post")}, "invalid_request"},
		"fragment":         {[]oauth2.AuthCodeOption{set("response_mode", "fragment")}, "invalid_request"},
		"no openid":        {[]oauth2.AuthCodeOption{set("scope", "email")}, "invalid_scope"},
		"silent":           {[]oauth2.AuthCodeOption{set("prompt", "none")}, "login_required"},
		"a request object": {[]oauth2.AuthCodeOption{set("request", "e30.e30.")}, "request_not_supported"},
	} {
		got := b.get(t, p.start(test.options...))
		place := got.header.Get("Location")
		sent, err := url.Parse(place)
		if err != nil || sent.Host != "127.0.0.1:53119" || sent.Query().Get("code") != "" || strings.Contains(place, "id_token=") {
			t.Errorf("%s: %d, sent to %q: %s", name, got.status, place, got.text)
			continue
		}
		answer := sent.Query()
		if sent.Fragment != "" { // where the response types and modes that we refuse want their errors
			answer, _ = url.ParseQuery(sent.Fragment)
		}
		if answer.Get("error") != test.want {
			t.Errorf("%s: %s", name, place)
		}
		if sent.Query().Get("iss") != s.issuer {
			t.Errorf("%s does not name us: %s", name, place)
		}
	}
	if got := b.get(t, p.start(set("client_id", "another"))); got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
		t.Errorf("another client: %d", got.status)
	}
}

func TestThePageIsGuarded(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	got := b.get(t, p.start())
	policy := got.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' http://127.0.0.1:53119"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, never := range []string{"<script", " style=", " onclick", "javascript:", p.state, p.nonce} {
		if strings.Contains(got.text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	for _, label := range []string{`<label for="email">`, `<label for="password">`, `<html lang="en">`, `autocomplete="current-password"`} {
		if !strings.Contains(got.text, label) {
			t.Errorf("the page lacks %s", label)
		}
	}
	for _, hidden := range []string{p.state, p.nonce, p.verifier} {
		if strings.Contains(got.at.String(), url.QueryEscape(hidden)) {
			t.Errorf("the address of the page has %q", hidden)
		}
	}
	cookies := b.Jar.Cookies(got.at)
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	again := b.submit(t, got, `"><script>alert(1)</script>@x`, "wrong")
	if strings.Contains(again.text, "<script") || !strings.Contains(again.text, `role="alert"`) {
		t.Error(again.text)
	}
}

func TestTheCookieIsHard(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	got := b.get(t, s.program(t).start())
	cookie := got.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("%s lacks %s", cookie, part)
		}
	}
}

// A sign-in belongs to the browser it began in, and its form to the page that we showed.
func TestASignInBelongsToItsBrowser(t *testing.T) {
	s := newSite(t)
	p, mine, foreign := s.program(t), s.browser(t), s.browser(t)
	page := mine.get(t, p.start())
	foreign.get(t, s.program(t).start()) // it has a cookie of its own
	if seen := foreign.get(t, page.at.String()); seen.status != http.StatusBadRequest {
		t.Errorf("the address alone: %d", seen.status)
	}
	if got := foreign.submit(t, page, mira, secret); got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
		t.Errorf("another browser: %d", got.status)
	}
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.test"}, {"Origin", "null"}} {
		if got := mine.submit(t, page, mira, secret, headers...); got.status != http.StatusForbidden {
			t.Errorf("%q: %d", headers, got.status)
		}
	}
	if got := mine.submit(t, page, mira, secret, "Sec-Fetch-Site", "same-origin"); got.status != http.StatusSeeOther {
		t.Errorf("our own form: %d %s", got.status, got.text)
	}
	if got := mine.submit(t, page, mira, secret); got.status != http.StatusBadRequest {
		t.Errorf("sent twice: %d", got.status)
	}
}

func TestAPageCloses(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	page := b.get(t, s.program(t).start())
	s.later(10*time.Minute + time.Second)
	if got := b.submit(t, page, mira, secret); got.status != http.StatusBadRequest || !strings.Contains(got.text, "no longer open") {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func TestNotNow(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	page := b.get(t, p.start())
	request := hidden.FindStringSubmatch(page.text)[1]
	sent := b.post(t, s.issuer+"/sign-in", url.Values{"request": {request}, "do": {"cancel"}}).sentTo(t)
	if got := sent.Query(); got.Get("error") != "access_denied" || got.Get("state") != p.state || got.Get("iss") != s.issuer || got.Has("code") {
		t.Errorf("sent to %s", sent)
	}
	if got := b.submit(t, page, mira, secret); got.status != http.StatusBadRequest {
		t.Errorf("the page is still open: %d", got.status)
	}
}

func TestWrongPasswordsAndUnknownPeopleLookAlike(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	var texts []string
	for _, email := range []string{mira, "nobody@lumen.works"} {
		got := b.submit(t, b.get(t, p.start()), email, "not the password")
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", email, got.status)
		}
		text := strings.ReplaceAll(hidden.ReplaceAllString(got.text, ""), email, "")
		texts = append(texts, text)
	}
	if texts[0] != texts[1] {
		t.Errorf("%s\n\n%s", texts[0], texts[1])
	}
}

// How long an answer takes is the time of a hash, whoever is asked for: many take turns, and their medians are compared. A
// lookup that skipped the hash would take a fiftieth.
func TestUnknownPeopleTakeAsLong(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	took := map[string][]time.Duration{}
	page := b.get(t, p.start())
	for i := range 12 {
		for _, email := range []string{mira, fmt.Sprintf("nobody%d@lumen.works", i)} {
			begun := time.Now()
			b.submit(t, page, email, "not the password")
			key := email[:4]
			took[key] = append(took[key], time.Since(begun))
			s.later(20 * time.Minute) // no throttle
			page = b.get(t, p.start())
		}
	}
	known, unknown := median(took["mira"]), median(took["nobo"])
	t.Logf("known %s, unknown %s", known, unknown)
	if unknown < known/2 || known < unknown/2 {
		t.Errorf("known %s, unknown %s", known, unknown)
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func TestGuessingIsSlowedDown(t *testing.T) {
	s := newSite(t)
	s.stop()
	p, b := s.program(t), s.browser(t)
	for _, email := range []string{mira, "nobody@lumen.works"} {
		page := b.get(t, p.start())
		for i := range 5 {
			if got := b.submit(t, page, email, "wrong"); got.status != http.StatusUnprocessableEntity {
				t.Fatalf("%s, attempt %d: %d", email, i, got.status)
			}
		}
		if got := b.submit(t, page, email, "wrong"); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "2" {
			t.Fatalf("%s: %d, retry after %s", email, got.status, got.header.Get("Retry-After"))
		}
	}
	page := b.get(t, p.start())
	if got := b.submit(t, page, mira, secret); got.status != http.StatusTooManyRequests {
		t.Errorf("the right password while waiting: %d", got.status)
	}
	s.later(3 * time.Second)
	if got := b.submit(t, page, mira, "wrong"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("after the wait: %d", got.status)
	}
	if got := b.submit(t, page, mira, "wrong"); got.header.Get("Retry-After") != "4" {
		t.Errorf("the next wait: %s", got.header.Get("Retry-After"))
	}
	s.later(5 * time.Second)
	if got := b.submit(t, page, mira, secret); got.status != http.StatusSeeOther {
		t.Errorf("the right password: %d", got.status)
	}
}

func TestOneAddressAtManyAccounts(t *testing.T) {
	s := newSite(t)
	s.stop()
	p, b := s.program(t), s.browser(t)
	page := b.get(t, p.start())
	for i := range 50 {
		if got := b.submit(t, page, fmt.Sprintf("u%d@lumen.works", i), "wrong"); got.status != http.StatusUnprocessableEntity {
			t.Fatalf("attempt %d: %d", i, got.status)
		}
	}
	if got := b.submit(t, page, "another@lumen.works", "wrong"); got.status != http.StatusTooManyRequests {
		t.Errorf("%d", got.status)
	}
}

func TestOversizedBodies(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	page := b.get(t, p.start())
	big := strings.Repeat("x", 1<<20)
	if got := b.submit(t, page, mira, big); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("sign-in: %d", got.status)
	}
	for _, path := range []string{"/token", "/revoke", "/authorize"} {
		if got := b.post(t, s.issuer+path, url.Values{"client_id": {clientID}, "code": {big}, "grant_type": {"authorization_code"}}); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %.200s", path, got.status, got.text)
		}
	}
	if got := b.submit(t, page, mira, strings.Repeat("x", 20_000)); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a long password: %d", got.status)
	}
	for _, id := range []string{"", "%00", "%ff", "x", strings.Repeat("x", 2000)} {
		if got := b.get(t, s.issuer+"/sign-in?request="+id); got.status != http.StatusBadRequest {
			t.Errorf("request %.10q: %d", id, got.status)
		}
	}
	if got := b.submit(t, page, "mira\x00@lumen.works", "wrong"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a NUL: %d", got.status)
	}
}

func TestNothingSecretIsKeptOrLogged(t *testing.T) {
	s := newSite(t)
	p := s.program(t, "offline_access")
	code := p.code(t, s.browser(t))
	token, err := p.exchange(t, code)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"requests", "families", "refresh_tokens", "accounts", "attempts", "keys"} {
		var text string
		if err := s.pool.QueryRow(t.Context(), "SELECT coalesce(string_agg(x::text, ' '), '') FROM identity."+table+" x").Scan(&text); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{code, token.RefreshToken, token.AccessToken, secret, p.verifier} {
			if strings.Contains(text, secret) || strings.Contains(s.logged.String(), secret) {
				t.Errorf("%s or the log has %q", table, secret)
			}
		}
	}
}
