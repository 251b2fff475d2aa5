package login

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/app"
)

// BeginDevice starts signing in a machine without a browser and returns once there is a code to show. It blocks while server
// and provider are asked. CodeInvalid where the provider has no such sign-in.
func (s *Session) BeginDevice(ctx context.Context, address string) (*Attempt, error) {
	at, i, err := s.find(ctx, address)
	if err != nil {
		return nil, err
	}
	if i.oauth.Endpoint.DeviceAuthURL == "" {
		return nil, app.Errorf(app.CodeInvalid, op, "The identity provider has no sign-in by code.").
			WithHint("Sign in on a machine with a browser.")
	}
	x := newSecrets()
	shown, err := i.deviceCode(ctx, x)
	if err != nil {
		return nil, err
	}
	a, life := start(shown.Expiry)
	a.URL, a.Code = shown.VerificationURI, shown.UserCode
	a.all.Go(func() {
		err := s.awaitDevice(life, at, i, shown, x)
		if err != nil {
			s.c.Logger.Warn("sign-in failed", "error", err)
		}
		a.end(life, err)
	})
	return a, nil
}

// deviceCode asks for a code. RFC 8628 knows no nonce; a provider that does puts it into the ID token, and the server takes
// no other.
func (i *issuer) deviceCode(ctx context.Context, x secrets) (*oauth2.DeviceAuthResponse, error) {
	if err := checkAll(i.oauth.Endpoint.DeviceAuthURL); err != nil {
		return nil, err
	}
	shown, err := i.oauth.DeviceAuth(i.context(ctx), oauth2.SetAuthURLParam("nonce", x.nonce()))
	if err != nil {
		return nil, i.refused(ctx, err)
	}
	if _, err := checkAddress("identity provider's page", withoutQuery(shown.VerificationURI)); err != nil {
		return nil, err
	}
	if shown.DeviceCode == "" || shown.UserCode == "" || len(shown.UserCode) > 64 || shown.UserCode != oneLine(shown.UserCode) {
		return nil, portal(i.name, http.StatusOK)
	}
	if shown.Expiry.IsZero() || time.Until(shown.Expiry) > time.Hour {
		shown.Expiry = time.Now().Add(time.Hour)
	}
	return shown, nil
}

// awaitDevice asks now and then whether the code was typed, until it was or its time is over. A network that is away
// meanwhile is no end.
func (s *Session) awaitDevice(ctx context.Context, at server, i *issuer, shown *oauth2.DeviceAuthResponse, x secrets) error {
	for {
		token, err := i.oauth.DeviceAccessToken(i.context(ctx), shown)
		if err == nil {
			a, err := i.identify(ctx, token, x.nonce())
			if err != nil {
				return err
			}
			return s.finish(ctx, at, i, a, x)
		}
		if said := i.refused(ctx, err); ctx.Err() != nil || !isNotNow(said) {
			return said
		}
	}
}

// isNotNow tells what is worth another try. The library waits before each.
func isNotNow(err error) bool {
	e, ok := errors.AsType[*app.Error](err)
	return ok && e.Code == app.CodeUnreachable
}
