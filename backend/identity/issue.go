package identity

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The audiences of an access token: one token serves the API, the built-in stream and a PowerSync Service.
const (
	AudienceAPI    = "api"
	AudienceStream = "powersync"
)

// Session is whom an access token is for.
type Session struct {
	Tenant, User, Machine string
	ID                    string // what ends when the machine signs out or is revoked
}

// Issuer makes access tokens.
type Issuer struct {
	Name string                                             // iss: the address of the server
	Key  func(ctx context.Context) (jose.JSONWebKey, error) // private, with kid and alg
	Life time.Duration                                      // at most MaxLife
	Now  func() time.Time
}

// Issue returns a token and when it ends.
func (i *Issuer) Issue(ctx context.Context, s Session) (token string, expires time.Time, err error) {
	key, err := i.Key(ctx)
	if err != nil {
		return "", expires, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return "", expires, err
	}
	now := i.Now()
	expires = now.Add(i.Life)
	registered := jwt.Claims{ID: rand.Text(), Issuer: i.Name, Subject: s.User, Audience: jwt.Audience{AudienceAPI, AudienceStream},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expires)}
	own := claims{Tenant: s.Tenant, Machine: s.Machine, Session: s.ID}
	token, err = jwt.Signed(signer).Claims(registered).Claims(own).Serialize()
	return token, expires, err
}
