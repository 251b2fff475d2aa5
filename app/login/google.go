package login

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/app"
)

// scopeStorage lets read, write and delete what is in buckets, and make one; it does not let change who else may.
const scopeStorage = "https://www.googleapis.com/auth/devstorage.read_write"

var ofGoogle = called{"Google sign-in", "Look at the OAuth client in the Google Cloud console, or name another one."}

// opGoogle is the Op of errors that say that somebody has to sign in to Google.
const opGoogle = "google"

// Google signs people in to Google, so that their copies can go to their buckets, and keeps those sign-ins in the safe. It may
// be used by many goroutines.
type Google struct {
	c    Config
	web  *web
	safe *Safe

	mu   sync.Mutex
	open map[string]*GoogleAccount
}

// NewGoogle asks nothing yet.
func NewGoogle(c Config, safe *Safe) *Google {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Google{c: c, web: newWeb(c.Transport), safe: safe, open: map[string]*GoogleAccount{}}
}

// GoogleAttempt is a sign-in to Google that is under way.
type GoogleAttempt struct {
	*Attempt
	account, note string // valid after Done without an error
}

// Account is who has signed in, an e-mail address. It must be called after Done is closed.
func (a *GoogleAttempt) Account() string { return a.account }

// Note is what the person should know of where the sign-in is kept, as Account.
func (a *GoogleAttempt) Note() string { return a.note }

// googleGrant is a sign-in as it is kept. All that is needed to use it is in it, so that its token is never sent elsewhere.
type googleGrant struct {
	googleClient
	Account   string `json:"account"`
	TokenURL  string `json:"token_url"`
	RevokeURL string `json:"revoke_url,omitempty"`
	Refresh   string `json:"refresh"`
}

// Begin starts signing in with the system's browser and returns once it was opened. It blocks while Google is asked where to
// go. client is the path of an OAuth client's file, empty for the one of the last sign-in, else of this build; account is who
// has to sign in, empty for whoever does. CodeInvalid, op "google client", where no client is known or its file is none.
func (g *Google) Begin(ctx context.Context, client, account string) (*GoogleAttempt, error) {
	by, err := g.client(client)
	if err != nil {
		return nil, err
	}
	i, err := openIssuer(ctx, g.web, provider{by.Issuer, by.ID}, ofGoogle)
	if err != nil {
		return nil, err
	}
	if i.revoke != "" {
		if err := checkAll(i.revoke); err != nil {
			return nil, err
		}
	}
	i.oauth.ClientSecret, i.oauth.Scopes = by.Secret, append(slices.Clone(scopes), scopeStorage)
	// Without consent a second sign-in of a person brings no refresh token.
	asks := []oauth2.AuthCodeOption{oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "select_account consent")}
	if account != "" {
		asks = append(asks, oauth2.SetAuthURLParam("login_hint", account))
	}
	got := &GoogleAttempt{}
	got.Attempt, err = beginBrowser(ctx, g.c, purpose{
		issuer: i, asks: asks,
		keep: func(ctx context.Context, a answer, _ secrets) error { return g.keep(ctx, by, i, account, a, got) },
		done: func() (text, small string) {
			return "You are signed in to Google as " + got.account + ". Go on in CODITECT Sync on",
				"It may read and write your Cloud Storage, and nothing else. You can take that back in your Google account."
		},
	})
	return got, err
}

// keep puts away what Google gave. What is not kept is given back.
func (g *Google) keep(ctx context.Context, by googleClient, i *issuer, wanted string, a answer, got *GoogleAttempt) error {
	grant := googleGrant{googleClient: by, Account: strings.ToLower(oneLine(a.who.Email)), TokenURL: i.oauth.Endpoint.TokenURL, RevokeURL: i.revoke, Refresh: a.RefreshToken}
	err := checkGrant(grant, wanted, a)
	if err == nil {
		got.note, err = g.put(grant)
	}
	if err != nil {
		g.revoke(ctx, grant, cmp.Or(a.RefreshToken, a.AccessToken))
		return err
	}
	got.account = grant.Account
	return g.Account(grant.Account).beginAnew(ctx, newAccess(a.AccessToken, g.c.Now(), int64(time.Until(a.Expiry).Seconds())))
}

// checkGrant looks whether what Google gave is what was asked for: people can leave out what they do not tick.
func checkGrant(grant googleGrant, wanted string, a answer) error {
	granted, _ := a.Extra("scope").(string)
	switch {
	case grant.Account == "":
		return app.Errorf(app.CodeFailed, op, "Google did not say whose account that is.").WithHint("Nothing has changed. Begin again.")
	case wanted != "" && !strings.EqualFold(wanted, grant.Account):
		return app.Errorf(app.CodeRefused, op, "That was %s, and the copies belong to %s.", grant.Account, wanted).
			WithHint("Nothing has changed. Begin again, and choose %s on Google's page.", wanted)
	case granted != "" && !slices.Contains(strings.Fields(granted), scopeStorage):
		return app.Errorf(app.CodeDenied, op, "Access to Cloud Storage was not allowed.").
			WithHint("Nothing has changed. Begin again, and tick Cloud Storage on Google's page.")
	case grant.Refresh == "":
		return app.Errorf(app.CodeFailed, op, "Google gave a sign-in that does not last.").WithHint("%s", ofGoogle.cure)
	}
	return nil
}

// put keeps a sign-in, and its client for the next one.
func (g *Google) put(grant googleGrant) (note string, err error) {
	text, err := json.Marshal(grant)
	if err != nil {
		return "", err
	}
	if note, err = g.safe.Keep(grantName(grant.Account), string(text)); err != nil {
		return "", err
	}
	if err := g.keepClient(grant.googleClient); err != nil {
		g.c.Logger.Warn("the OAuth client is not kept", "error", err)
	}
	return note, nil
}

// grantName is a name for the safe.
func grantName(account string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(account)))
	return "google-" + hex.EncodeToString(sum[:8])
}

// kept is a sign-in as it was put. CodeSignedOut: there is none, or it was damaged.
func (g *Google) kept(account string) (grant googleGrant, err error) {
	text, err := g.safe.Get(grantName(account))
	if app.CodeOf(err) == app.CodeNotFound {
		return grant, signedOutOfGoogle(account).Wrap(err)
	}
	if err != nil {
		return grant, err
	}
	if err := json.Unmarshal([]byte(text), &grant); err != nil || grant.Refresh == "" {
		return grant, signedOutOfGoogle(account)
	}
	return grant, checkAll(grant.TokenURL)
}

func signedOutOfGoogle(account string) *app.Error {
	return app.Errorf(app.CodeSignedOut, opGoogle, "Sign in to Google again as %s to go on. Changes are recorded meanwhile.", account).
		WithHint("What waits goes up then.").Typed("Sign in with `coditect-sync setup --sign-in google`.")
}

// Forget gives a sign-in back to Google and removes it here. note is what the person should know, empty when all went well.
// None is no error.
func (g *Google) Forget(ctx context.Context, account string) (note string, err error) {
	if grant, err := g.kept(account); err == nil && !g.revoke(ctx, grant, grant.Refresh) {
		note = "Google could not be told that " + account + " signs out here. You can take its access back in your Google account."
	}
	a := g.Account(account)
	a.put(access{})
	return note, g.safe.Forget(grantName(account))
}

// revoke has Google end what a token lets do, if it can be reached. It is not tried again.
func (g *Google) revoke(ctx context.Context, grant googleGrant, token string) (told bool) {
	if token == "" || grant.RevokeURL == "" || checkAll(grant.RevokeURL) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, grant.RevokeURL, strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := g.web.http.Do(r)
	if err != nil {
		g.c.Logger.Warn("Google was not told of a sign-out", "error", quiet(err))
		return false
	}
	_ = response.Body.Close() // its status says it all
	// What Google does not know any more is as good as ended.
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusBadRequest {
		return true
	}
	g.c.Logger.Warn("Google did not take a sign-out", "status", response.StatusCode)
	return false
}
