package login

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/app"
)

// scopes are what is asked for: who the person is. The provider's own refresh token is not wanted.
var scopes = []string{oidc.ScopeOpenID, "email", "profile"}

// algorithms are those whose keys can be published. An ID token with another one, or with none, is not taken.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// issuer is an identity provider whose documents were read.
type issuer struct {
	provider
	called
	web         *web
	oauth       oauth2.Config
	verifier    *oidc.IDTokenVerifier
	namesIssuer bool // it promises to say who answers (RFC 9207)
	revoke      string
}

// person is whom an ID token names.
type person struct {
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
	Name     string `json:"name"`
}

// answer is what a provider gives for a code: its tokens, and whom the ID token among them names, which was verified.
type answer struct {
	*oauth2.Token
	idToken string
	who     person
}

// called is how people know a provider: after "The ", and what to do where it does not do as it should.
type called struct{ name, cure string }

// ofServer is the provider that a server trusts.
var ofServer = called{"identity provider", "Tell whoever runs the server."}

// openIssuer reads the documents of the provider p, which must be about itself.
func openIssuer(ctx context.Context, web *web, p provider, as called) (*issuer, error) {
	// The provider keeps the context to fetch keys later, within a sign-in.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), web.http), p.Issuer)
	if _, wrong := errors.AsType[*oidc.IssuerMismatchError](err); wrong {
		return nil, app.Errorf(app.CodeRefused, op, "The %s says that it is another one.", as.name).
			WithHint("Nothing was sent to it. %s", as.cure).Wrap(err)
	}
	if err != nil {
		return nil, unanswered(as.name, err)
	}
	var said struct {
		Names   bool     `json:"authorization_response_iss_parameter_supported"`
		Methods []string `json:"code_challenge_methods_supported"`
		Keys    string   `json:"jwks_uri"`
		Revoke  string   `json:"revocation_endpoint"`
	}
	if err := found.Claims(&said); err != nil {
		return nil, portal(as.name, http.StatusOK)
	}
	if len(said.Methods) > 0 && !slices.Contains(said.Methods, "S256") {
		return nil, app.Errorf(app.CodeRefused, op, "The %s does not support safe sign-in (PKCE with S256).", as.name).WithHint("%s", as.cure)
	}
	endpoint := found.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // the program has no secret, and no code is sent twice
	i := &issuer{provider: p, called: as, web: web, namesIssuer: said.Names, revoke: said.Revoke}
	i.oauth = oauth2.Config{ClientID: p.ClientID, Endpoint: endpoint, Scopes: scopes}
	// Its times are not looked at: it came straight from the provider, and this clock may be wrong. The server looks.
	i.verifier = found.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algorithms, SkipExpiryCheck: true})
	return i, checkAll(endpoint.AuthURL, endpoint.TokenURL, said.Keys)
}

func checkAll(addresses ...string) error {
	for _, address := range addresses {
		if _, err := checkAddress("identity provider", withoutQuery(address)); err != nil {
			return err
		}
	}
	return nil
}

// withoutQuery is an address without the query that a provider's endpoint may have.
func withoutQuery(address string) string {
	plain, _, _ := strings.Cut(address, "?")
	return plain
}

// context is for the library's calls.
func (i *issuer) context(ctx context.Context) context.Context {
	return oidc.ClientContext(context.WithValue(ctx, oauth2.HTTPClient, i.web.http), i.web.http)
}

// redeem makes tokens of a code.
func (i *issuer) redeem(ctx context.Context, code, redirect, verifier, nonce string) (answer, error) {
	config := i.oauth
	config.RedirectURL = redirect
	token, err := config.Exchange(i.context(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return answer{}, i.refused(ctx, err)
	}
	return i.identify(ctx, token, nonce)
}

// identify takes the ID token out of what the provider gave, and verifies it.
func (i *issuer) identify(ctx context.Context, token *oauth2.Token, nonce string) (answer, error) {
	a := answer{Token: token}
	a.idToken, _ = token.Extra("id_token").(string)
	verified, err := i.verifier.Verify(i.context(ctx), a.idToken)
	if err == nil && verified.Nonce != nonce {
		err = errors.New("the nonce is another one")
	}
	if err == nil && len(verified.Audience) != 1 {
		err = errors.New("it is for several parties")
	}
	if err == nil {
		err = verified.Claims(&a.who)
	}
	if err != nil {
		return answer{}, app.Errorf(app.CodeRefused, op, "What the %s sent is not the sign-in that was begun here.", i.name).
			WithHint("Nothing has changed. Try again. If it stays so: %s", i.cure).Wrap(err)
	}
	return a, nil
}

// refused is an error of the library's as a person reads it. The library's own text has the provider's answer in it, which
// may be anything.
func (i *issuer) refused(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	e, answered := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !answered:
		return unanswered(i.name, err)
	case e.ErrorCode == "":
		return portal(i.name, e.Response.StatusCode)
	}
	return i.told(e.ErrorCode)
}

// told is an error code of a provider's as a person reads it.
func (i *issuer) told(code string) error {
	switch code {
	case "access_denied":
		return app.Errorf(app.CodeDenied, op, "You chose not to sign in.").WithHint("Nothing has changed.")
	case "expired_token":
		return app.Errorf(app.CodeFailed, op, "The code has expired.").WithHint("Begin again for a new one.")
	case "invalid_grant":
		return app.Errorf(app.CodeFailed, op, "The sign-in took too long, or its page was opened twice.").WithHint("Begin again.")
	case "temporarily_unavailable", "server_error":
		return app.Errorf(app.CodeUnreachable, op, "The %s cannot answer now.", i.name).WithHint("Try again in a minute.")
	}
	return app.Errorf(app.CodeFailed, op, "The %s refused the sign-in.", i.name).
		WithHint("%s", i.cure).Wrap(errors.New(plainCode(code)))
}
