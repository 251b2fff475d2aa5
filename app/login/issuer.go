package login

import (
	"context"
	"errors"
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
	web         *web
	oauth       oauth2.Config
	verifier    *oidc.IDTokenVerifier
	namesIssuer bool // it promises to say who answers (RFC 9207)
}

// person is whom an ID token names.
type person struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// openIssuer reads the documents of the provider p, which must be about itself.
func openIssuer(ctx context.Context, web *web, p provider) (*issuer, error) {
	// The provider keeps the context to fetch keys later, within a sign-in.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), web.http), p.Issuer)
	if _, wrong := errors.AsType[*oidc.IssuerMismatchError](err); wrong {
		return nil, app.Errorf(app.CodeRefused, op, "The identity provider says that it is another one.").
			WithHint("Nothing was sent to it. Tell whoever runs the server.").Wrap(err)
	}
	if err != nil {
		return nil, unanswered("identity provider", err)
	}
	var said struct {
		Names   bool     `json:"authorization_response_iss_parameter_supported"`
		Methods []string `json:"code_challenge_methods_supported"`
		Keys    string   `json:"jwks_uri"`
	}
	if err := found.Claims(&said); err != nil {
		return nil, portal("identity provider", 200)
	}
	if len(said.Methods) > 0 && !slices.Contains(said.Methods, "S256") {
		return nil, app.Errorf(app.CodeRefused, op, "The identity provider does not support safe sign-in (PKCE with S256).").
			WithHint("Ask whoever runs the server for another one.")
	}
	endpoint := found.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // the program has no secret, and no code is sent twice
	i := &issuer{provider: p, web: web, namesIssuer: said.Names}
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

// redeem makes an ID token of a code, and looks whom it names.
func (i *issuer) redeem(ctx context.Context, code, redirect, verifier, nonce string) (idToken string, who person, err error) {
	config := i.oauth
	config.RedirectURL = redirect
	token, err := config.Exchange(i.context(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return "", who, i.refused(ctx, err)
	}
	return i.identify(ctx, token, nonce)
}

// identify takes the ID token out of what the provider gave, and verifies it.
func (i *issuer) identify(ctx context.Context, token *oauth2.Token, nonce string) (idToken string, who person, err error) {
	idToken, _ = token.Extra("id_token").(string)
	verified, err := i.verifier.Verify(i.context(ctx), idToken)
	if err == nil && verified.Nonce != nonce {
		err = errors.New("the nonce is another one")
	}
	if err == nil && len(verified.Audience) != 1 {
		err = errors.New("it is for several parties")
	}
	if err == nil {
		err = verified.Claims(&who)
	}
	if err != nil {
		return "", person{}, app.Errorf(app.CodeRefused, op, "What the identity provider sent is not a sign-in of yours at this server.").
			WithHint("Nothing has changed. Try again; if it stays so, tell whoever runs the server.").Wrap(err)
	}
	return idToken, who, nil
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
		return unanswered("identity provider", err)
	case e.ErrorCode == "":
		return portal("identity provider", e.Response.StatusCode)
	}
	return told(e.ErrorCode)
}

// told is an error code of a provider's as a person reads it.
func told(code string) error {
	switch code {
	case "access_denied":
		return app.Errorf(app.CodeDenied, op, "You chose not to sign in.").WithHint("Nothing has changed.")
	case "expired_token":
		return app.Errorf(app.CodeFailed, op, "The code has expired.").WithHint("Begin again for a new one.")
	case "invalid_grant":
		return app.Errorf(app.CodeFailed, op, "The sign-in took too long, or its page was opened twice.").WithHint("Begin again.")
	case "temporarily_unavailable", "server_error":
		return app.Errorf(app.CodeUnreachable, op, "The identity provider cannot answer now.").WithHint("Try again in a minute.")
	}
	return app.Errorf(app.CodeFailed, op, "The identity provider refused the sign-in.").
		WithHint("Tell whoever runs the server.").Wrap(errors.New(plainCode(code)))
}
