package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/coditect-ai/coditect-sync/backend/identity/refresh"
)

var errUnsupported = errors.New("this is not supported")

// CreateAccessToken names an access token, which opens nothing here and is not kept.
func (s *storage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), s.Now().Add(accessLife), nil
}

// CreateAccessAndRefreshTokens starts a family for a code, and goes on with the one of current else.
func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, in op.TokenRequest, current string) (string, string, time.Time, error) {
	token, err := s.next(ctx, in, current)
	if errors.Is(err, refresh.ErrInvalid) {
		err = oidc.ErrInvalidGrant().WithParent(err)
	} else {
		err = trouble(ctx, err)
	}
	return rand.Text(), token, s.Now().Add(accessLife), err
}

func (s *storage) next(ctx context.Context, in op.TokenRequest, current string) (token string, err error) {
	switch r := in.(type) {
	case *request:
		token, _, err = s.refresh.Start(ctx, s.Pool, refresh.Family{Subject: r.account, Request: r.id, Client: r.client,
			Scopes: r.scopes, SignedInAt: r.signedInAt})
		return token, err
	case *op.DeviceAuthorizationState:
		token, _, err = s.refresh.Start(ctx, s.Pool, refresh.Family{Subject: r.Subject, Client: r.ClientID, Scopes: r.Scopes, SignedInAt: r.AuthTime})
		return token, err
	}
	token, _, err = s.refresh.Rotate(ctx, current)
	return token, err
}

// TokenRequestByRefreshToken looks at a refresh token. One that was used before ends its family here already.
func (s *storage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	f, err := s.refresh.Peek(ctx, token)
	if errors.Is(err, refresh.ErrReused) {
		s.Log.Warn("a refresh token was used again; its family has ended", "family", f.ID)
		_, _, err = s.refresh.Rotate(ctx, token)
	}
	if errors.Is(err, refresh.ErrInvalid) {
		return nil, err
	}
	if err == nil {
		_, err = s.account(ctx, f.Subject)
	}
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return &renewal{client: f.Client, account: f.Subject, scopes: f.Scopes, signedInAt: f.SignedInAt}, nil
}

// GetRefreshTokenInfo tells zitadel what may be one of ours: it is looked at when it is revoked.
func (s *storage) GetRefreshTokenInfo(_ context.Context, _, token string) (userID, tokenID string, err error) {
	if !strings.HasPrefix(token, "csr_") {
		return "", "", op.ErrInvalidRefreshToken
	}
	return "", token, nil
}

// RevokeToken ends the family of a refresh token. What is none of ours is revoked already, says RFC 7009.
func (s *storage) RevokeToken(ctx context.Context, token, _, _ string) *oidc.Error {
	_, err := s.refresh.End(ctx, token, "revoked")
	if err != nil && !errors.Is(err, refresh.ErrInvalid) {
		return oidc.ErrServerError().WithParent(trouble(ctx, err))
	}
	return nil
}

// SetUserinfoFromRequest puts into an ID token what its scopes ask for.
func (s *storage) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, in op.IDTokenRequest, scopes []string) error {
	a, err := s.account(ctx, in.GetSubject())
	if err != nil {
		return trouble(ctx, err)
	}
	info.Subject = a.id
	if x := exchangeOf(ctx); x != nil && x.nonce != "" {
		info.AppendClaims("nonce", x.nonce)
	}
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeEmail:
			info.Email, info.EmailVerified = a.email, true // whoever runs the server made the account
		case oidc.ScopeProfile:
			info.Name = a.name
		}
	}
	return nil
}

// GetClientByClientID knows one client.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.ClientID {
		return nil, oidc.ErrInvalidClient().WithDescription("unknown client")
	}
	return client{id: id, signIn: signInPath(s.Issuer)}, nil
}

// What follows is not reached, because the handlers that would are not served, or says nothing.

func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

func (s *storage) SetUserinfoFromToken(context.Context, *oidc.UserInfo, string, string, string) error {
	return errUnsupported
}

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnsupported
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnsupported
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnsupported
}

func (s *storage) AuthorizeClientIDSecret(context.Context, string, string) error {
	return oidc.ErrInvalidClient().WithDescription("the client has no secret")
}

func (s *storage) TerminateSession(context.Context, string, string) error { return errUnsupported }
