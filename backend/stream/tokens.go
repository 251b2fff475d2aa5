package stream

import (
	"context"
	"errors"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
)

// Tokens accepts the tokens that the API accepts. The rules find the person as sub and the tenant as tenant_id.
func Tokens(v backend.Verifier) Verifier { return tokens{v} }

type tokens struct{ backend.Verifier }

// Verify asks the API's verifier.
func (t tokens) Verify(ctx context.Context, token string) (Principal, error) {
	p, err := t.Verifier.Verify(ctx, token)
	var failed *backend.Error
	if errors.As(err, &failed) && failed.Code == backend.Unauthenticated {
		return Principal{}, &AuthError{CodeBadToken, failed.Message}
	}
	if err != nil {
		return Principal{}, errors.Join(errCannotTell, err)
	}
	return Principal{Subject: rules.Key([]string{p.Tenant, p.User}), Expires: p.Expires,
		Claims: map[string]string{"sub": p.User, "tenant_id": p.Tenant}}, nil
}
