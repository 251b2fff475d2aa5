package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/oauth2-proxy/mockoidc"
	"golang.org/x/oauth2"
)

// elsewhere is a server whose people sign in at an OpenID provider that is none of ours: other code, RSA keys, a client with
// a secret.
func elsewhere(t *testing.T, trusted bool) (*cloud, *mockoidc.MockOIDC) {
	t.Helper()
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Shutdown() })
	c := newCloud(t)
	c.environ = append(c.environ, prefix+"PROVIDER=off", fmt.Sprintf(`%sISSUERS=[{"issuer":%q,"client_id":%q,"trust_email":%v,"tenant":"lumen","algorithms":["RS256"]}]`,
		prefix, m.Issuer(), m.ClientID, trusted))
	c.does(t, 0, "tenant", "add", "lumen")
	c.does(t, 0, "tenant", "add", "other")
	return c, m
}

// exchange signs a person in there and exchanges the ID token here. client is who the token is for.
func (c *cloud) exchange(t *testing.T, m *mockoidc.MockOIDC, user *mockoidc.MockUser, spoil func(idToken string) string) (int, map[string]any) {
	t.Helper()
	m.QueueUser(user)
	discovered, err := oidc.NewProvider(t.Context(), m.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: m.ClientID, ClientSecret: m.ClientSecret, Endpoint: discovered.Endpoint(), RedirectURL: "http://127.0.0.1:4321/callback", Scopes: []string{"openid", "email"}}
	verifier, nonceVerifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	sent, err := browser.Get(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce(oauth2.S256ChallengeFromVerifier(nonceVerifier))))
	if err != nil {
		t.Fatal(err)
	}
	sent.Body.Close()
	back, err := sent.Location()
	if err != nil {
		t.Fatalf("%s: %v", sent.Status, err)
	}
	token, err := config.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.PostForm(c.url+"/v1/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {spoil(token.Extra("id_token").(string))}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"},
		"nonce_verifier": {nonceVerifier}, "machine_id": {"studio"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(string(text))
	}
	return response.StatusCode, got
}

func asIs(token string) string { return token }

// TestAnyIssuer: a person signs in at the foreign provider, and from then on everything is as with ours.
func TestAnyIssuer(t *testing.T) {
	c, m := elsewhere(t, true)
	c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen", "--no-password")
	c.does(t, 0, "user", "add", "eve@other.works", "--tenant", "other", "--no-password")
	c.serves(t)
	mira := &mockoidc.MockUser{Subject: "auth0|mira", Email: "mira@lumen.works", EmailVerified: true}
	status, got := c.exchange(t, m, mira, asIs)
	if status != http.StatusOK {
		t.Fatal(status, got)
	}
	access, user := got["access_token"].(string), got["user_id"].(string)
	c.pushes(t, access, "studio", 1, fmt.Sprintf(`{"table":"decisions","op":"put","id":"d1","data":{"decision":"from elsewhere","user_id":%q}}`, user), "applied")
	seen(t, c.stream(t, access), "from elsewhere")

	// It is the subject that counts from the first time on, not the address, which can be given to somebody else.
	moved := &mockoidc.MockUser{Subject: "auth0|mira", Email: "mira@elsewhere.works", EmailVerified: false}
	if status, got := c.exchange(t, m, moved, asIs); status != http.StatusOK || got["user_id"] != user {
		t.Errorf("with another address: %d %v", status, got)
	}
	for what, refused := range map[string]*mockoidc.MockUser{
		"an address that nobody verified": {Subject: "auth0|x", Email: "mira@lumen.works", EmailVerified: false},
		"nobody's address":                {Subject: "auth0|y", Email: "nobody@lumen.works", EmailVerified: true},
		"a person of another tenant":      {Subject: "auth0|z", Email: "eve@other.works", EmailVerified: true},
	} {
		if status, got := c.exchange(t, m, refused, asIs); status == http.StatusOK {
			t.Errorf("%s: %v", what, got)
		}
	}
	spoilt := func(token string) string {
		parts := strings.Split(token, ".")
		return parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2]))
	}
	if status, got := c.exchange(t, m, mira, spoilt); status == http.StatusOK {
		t.Errorf("with another signature: %v", got)
	}
}

// TestAnIssuerWhoseAddressesAreNotTrusted signs in only whom the operator has linked by subject.
func TestAnIssuerWhoseAddressesAreNotTrusted(t *testing.T) {
	c, m := elsewhere(t, false)
	c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen", "--no-password")
	c.does(t, 0, "user", "add", "lin@lumen.works", "--tenant", "lumen", "--issuer", m.Issuer(), "--subject", "lin-7")
	c.serves(t)
	if status, got := c.exchange(t, m, &mockoidc.MockUser{Subject: "mira-1", Email: "mira@lumen.works", EmailVerified: true}, asIs); status == http.StatusOK {
		t.Errorf("by the address: %v", got)
	}
	if status, got := c.exchange(t, m, &mockoidc.MockUser{Subject: "lin-7"}, asIs); status != http.StatusOK {
		t.Errorf("by the subject: %d %v", status, got)
	}
}
