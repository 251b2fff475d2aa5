package provider

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// request is a sign-in that goes on, a row of identity.requests.
type request struct {
	id, client, redirect  string
	scopes                []string
	state, nonce          string
	challenge             string
	account               string // empty until the person has signed in
	signedInAt, expiresAt time.Time
}

func (r *request) GetID() string                      { return r.id }
func (r *request) GetACR() string                     { return "" }
func (r *request) GetAMR() []string                   { return amr }
func (r *request) GetAudience() []string              { return []string{r.client} }
func (r *request) GetAuthTime() time.Time             { return r.signedInAt }
func (r *request) GetClientID() string                { return r.client }
func (r *request) GetNonce() string                   { return r.nonce }
func (r *request) GetRedirectURI() string             { return r.redirect }
func (r *request) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (r *request) GetResponseMode() oidc.ResponseMode { return oidc.ResponseModeQuery }
func (r *request) GetScopes() []string                { return r.scopes }
func (r *request) GetState() string                   { return r.state }
func (r *request) GetSubject() string                 { return r.account }
func (r *request) Done() bool                         { return r.account != "" }

func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.challenge, Method: oidc.CodeChallengeMethodS256}
}

// amr is how people sign in here: with a password.
var amr = []string{"pwd"}

// renewal is a refresh token that is about to be used.
type renewal struct {
	client, account string
	scopes          []string
	signedInAt      time.Time
}

func (r *renewal) GetAMR() []string                 { return amr }
func (r *renewal) GetAudience() []string            { return []string{r.client} }
func (r *renewal) GetAuthTime() time.Time           { return r.signedInAt }
func (r *renewal) GetClientID() string              { return r.client }
func (r *renewal) GetScopes() []string              { return r.scopes }
func (r *renewal) GetSubject() string               { return r.account }
func (r *renewal) SetCurrentScopes(scopes []string) { r.scopes = scopes }
