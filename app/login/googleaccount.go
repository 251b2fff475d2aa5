package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/app"
)

// GoogleAccount gives the access tokens of a person who has signed in to Google. It may be used by many goroutines.
type GoogleAccount struct {
	*tokens
	google *Google
	name   string
	ended  string // the refresh token that Google said is over; held by whoever has the turn
}

// Account is the sign-in of an account, the same one for the same address. Nothing is asked yet.
func (g *Google) Account(name string) *GoogleAccount {
	name = strings.ToLower(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[name] == nil {
		g.open[name] = &GoogleAccount{tokens: newTokens(g.c.Now), google: g, name: name}
	}
	return g.open[name]
}

// Token returns an access token that is good for 30 seconds or more. It blocks while one is fetched; of many callers one
// fetches. Errors are *app.Error: CodeSignedOut, op "google", when the person has to sign in again; CodeCanceled when ctx ended;
// any other code means "not now".
func (a *GoogleAccount) Token(ctx context.Context) (string, error) { return a.get(ctx, a.renew) }

// Refuse takes note that the storage did not take a token (401). The next Token fetches another one.
func (a *GoogleAccount) Refuse(token string) { a.refuse(token) }

// beginAnew goes on with a new sign-in, whose refresh token may be the one of before.
func (a *GoogleAccount) beginAnew(ctx context.Context, first access) error {
	done, err := a.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer done()
	a.ended = ""
	a.startAnew()
	a.put(first)
	return nil
}

// renew fetches the next token. That the sign-in is over is believed when what is kept is still what was asked with: another
// process may have signed in meanwhile.
func (a *GoogleAccount) renew(ctx context.Context) error {
	for {
		grant, err := a.google.kept(a.name)
		if err != nil {
			return err
		}
		if grant.Refresh == a.ended {
			return signedOutOfGoogle(a.name)
		}
		asked := a.now()
		token, err := a.google.fetch(ctx, grant)
		if errors.Is(err, errGrant) {
			a.ended = grant.Refresh
			a.google.c.Logger.Warn("Google has ended a sign-in", "account", a.name)
			continue
		}
		if err != nil {
			return err
		}
		if token.RefreshToken != "" && token.RefreshToken != grant.Refresh { // Google's stay the same, others' may not
			grant.Refresh = token.RefreshToken
			if _, err := a.google.put(grant); err != nil {
				a.google.c.Logger.Error("the next sign-in is not kept", "error", err)
			}
		}
		a.put(newAccess(token.AccessToken, asked, int64(time.Until(token.Expiry).Seconds())))
		return nil
	}
}

// fetch asks for an access token. errGrant: the sign-in is over.
func (g *Google) fetch(ctx context.Context, grant googleGrant) (*oauth2.Token, error) {
	config := oauth2.Config{ClientID: grant.ID, ClientSecret: grant.Secret,
		Endpoint: oauth2.Endpoint{TokenURL: grant.TokenURL, AuthStyle: oauth2.AuthStyleInParams}}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, g.web.http)
	token, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: grant.Refresh}).Token()
	if err == nil {
		return token, nil
	}
	if ctx.Err() != nil {
		return nil, canceled(ctx)
	}
	e, answered := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !answered:
		return nil, unanswered(ofGoogle.name, err)
	case e.ErrorCode == "invalid_grant" && e.Response.StatusCode == http.StatusBadRequest:
		return nil, errGrant
	case e.Response.StatusCode >= http.StatusInternalServerError || e.Response.StatusCode == http.StatusTooManyRequests:
		return nil, &refusal{status: e.Response.StatusCode, after: retryAfter(e.Response.Header, g.c.Now()),
			err: app.Errorf(app.CodeUnreachable, op, "The %s cannot answer now.", ofGoogle.name).WithHint("It is tried again by itself; nothing is lost meanwhile.")}
	case e.ErrorCode == "":
		return nil, portal(ofGoogle.name, e.Response.StatusCode)
	}
	return nil, app.Errorf(app.CodeDenied, opGoogle, "Google does not take the OAuth client of this sign-in any more.").
		WithHint("Sign in again with another one.").Typed("Sign in with another one: `coditect-sync setup --sign-in google --google-client FILE`.").Wrap(errors.New(plainCode(e.ErrorCode)))
}
