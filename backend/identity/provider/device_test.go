package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// device begins a sign-in on a machine without a browser.
func (p *program) device(t *testing.T) *oauth2.DeviceAuthResponse {
	t.Helper()
	got, err := p.config.DeviceAuth(t.Context(), oidc.Nonce(p.nonce))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// poll asks once whether the person has signed in, and returns the error code, or a token.
func (p *program) poll(t *testing.T, b *browser, code string) (string, *oauth2.Token) {
	t.Helper()
	got := b.post(t, b.site.issuer+"/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code}, "client_id": {clientID}})
	var answer struct {
		oauth2.Token
		Error   string `json:"error"`
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(got.text), &answer); err != nil {
		t.Fatal(got.status, got.text)
	}
	if answer.Error != "" {
		return answer.Error, nil
	}
	return "", answer.WithExtra(map[string]any{"id_token": answer.IDToken})
}

func (b *browser) typed(t *testing.T, code, email, password, do string, headers ...string) *page {
	t.Helper()
	return b.post(t, b.site.issuer+"/device", url.Values{"code": {code}, "email": {email}, "password": {password}, "do": {do}}, headers...)
}

func TestAMachineWithoutABrowserSignsIn(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t, "offline_access"), s.browser(t)
	d := p.device(t)
	if d.VerificationURI != s.issuer+"/device" || d.VerificationURIComplete != "" || len(d.UserCode) != 9 || d.Interval != 5 {
		t.Fatalf("%+v", d)
	}
	if got := b.get(t, d.VerificationURI); got.status != http.StatusOK || !strings.Contains(got.text, `<label for="code">`) || strings.Contains(got.text, "<script") {
		t.Fatal(got.status, got.text)
	}
	if refused, _ := p.poll(t, b, d.DeviceCode); refused != "authorization_pending" {
		t.Error(refused)
	}
	if refused, _ := p.poll(t, b, d.DeviceCode); refused != "slow_down" {
		t.Error(refused)
	}
	if got := b.typed(t, strings.ToLower(strings.ReplaceAll(d.UserCode, "-", " ")), mira, secret, "sign-in"); got.status != http.StatusOK || !strings.Contains(got.text, "Done") {
		t.Fatal(got.status, got.text)
	}
	refused, token := p.poll(t, b, d.DeviceCode)
	if refused != "" {
		t.Fatal(refused)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.oidc.Verifier(&oidc.Config{ClientID: clientID}).Verify(t.Context(), raw)
	if err != nil || id.Nonce != p.nonce || id.Subject == "" {
		t.Fatalf("%+v, %v", id, err)
	}
	if refused, _ := p.poll(t, b, d.DeviceCode); refused != "access_denied" {
		t.Errorf("the code is good twice: %s", refused)
	}
	if _, err := p.renew(t, token.RefreshToken); err != nil {
		t.Errorf("its refresh token: %v", err)
	}
}

func TestCodesOfMachinesThatAreRefused(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	d := p.device(t)
	if got := b.typed(t, d.UserCode, mira, "not the password", "sign-in"); got.status != http.StatusUnprocessableEntity || strings.Contains(got.text, "not open") {
		t.Errorf("a wrong password: %d", got.status)
	}
	if got := b.typed(t, "BBBB-BBBB", mira, "not the password", "sign-in"); strings.Contains(got.text, "not open") {
		t.Error("codes can be guessed without a password")
	}
	if got := b.typed(t, "BBBB-BBBB", mira, secret, "sign-in"); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.text, "not open") {
		t.Errorf("a code that is none: %d", got.status)
	}
	if got := b.typed(t, d.UserCode, mira, secret, "sign-in", "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
		t.Errorf("from another site: %d", got.status)
	}
	if got := b.typed(t, d.UserCode, mira, secret, "deny"); got.status != http.StatusOK {
		t.Errorf("turned away: %d", got.status)
	}
	if refused, _ := p.poll(t, b, d.DeviceCode); refused != "access_denied" {
		t.Error(refused)
	}
	if got := b.typed(t, d.UserCode, mira, secret, "sign-in"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("after it was turned away: %d", got.status)
	}
	late := p.device(t)
	s.later(10*time.Minute + time.Second)
	if got := b.typed(t, late.UserCode, mira, secret, "sign-in"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("too late: %d", got.status)
	}
	if refused, _ := p.poll(t, b, late.DeviceCode); refused != "expired_token" {
		t.Errorf("too late: %s", refused)
	}
	if refused, _ := p.poll(t, b, "nothing"); refused != "access_denied" {
		t.Error(refused)
	}
	for name, form := range map[string]url.Values{"no nonce": {"client_id": {clientID}, "scope": {"openid"}}, "no openid": {"client_id": {clientID}, "scope": {"email"}, "nonce": {"n"}},
		"another client": {"client_id": {"x"}, "scope": {"openid"}, "nonce": {"n"}}, "too much": {"client_id": {clientID}, "scope": {strings.Repeat("x", 1<<20)}}} {
		if got := b.post(t, s.issuer+"/device_authorization", form); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, got.status)
		}
	}
}

func TestCodesOfMachinesAreKeptAsDigests(t *testing.T) {
	s := newSite(t)
	d := s.program(t).device(t)
	var text string
	if err := s.pool.QueryRow(t.Context(), "SELECT string_agg(x::text, ' ') FROM identity.devices x").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, d.DeviceCode) || strings.Contains(text, strings.ReplaceAll(d.UserCode, "-", "")) {
		t.Error(text)
	}
}
