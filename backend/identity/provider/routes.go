package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/coditect-ai/coditect-sync/backend/identity/letters"
)

// Paths below the issuer's.
const (
	pathAuthorize           = "/authorize"
	pathToken               = "/token"
	pathRevoke              = "/revoke"
	pathKeys                = "/keys"
	pathSignIn              = "/sign-in"
	pathDeviceAuthorization = "/device_authorization"
	pathDevice              = "/device"
	pathForgot              = "/forgot"
	pathStyle               = "/style.css"
)

// maxBody is far more than any form of ours has.
const maxBody = 32 << 10

// bodyTime is how long a client may take to send one.
const bodyTime = 15 * time.Second

// Handler serves the provider at the paths of its issuer.
func (p *Provider) Handler() http.Handler {
	mux, base := http.NewServeMux(), p.issuer.Path
	mux.HandleFunc("GET "+base+oidc.DiscoveryEndpoint, p.serveDiscovery)
	mux.HandleFunc("GET "+base+pathAuthorize, p.serveAuthorize)
	mux.HandleFunc("POST "+base+pathAuthorize, p.serveAuthorize)
	mux.Handle("POST "+base+pathToken, p.careful(func(w http.ResponseWriter, r *http.Request) { op.Exchange(w, r, p) }))
	mux.Handle("POST "+base+pathRevoke, p.careful(func(w http.ResponseWriter, r *http.Request) { op.Revoke(w, r, p) }))
	mux.Handle("GET "+base+pathKeys, p.careful(func(w http.ResponseWriter, r *http.Request) { op.Keys(w, r, p.storage) }))
	mux.HandleFunc("GET "+base+pathSignIn, p.showSignIn)
	// Another site's page must not send our form, in browsers that would send the cookie with it.
	mux.Handle("POST "+base+pathSignIn, http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.signIn)))
	mux.HandleFunc("POST "+base+pathDeviceAuthorization, p.serveDevice)
	mux.HandleFunc("GET "+base+pathDevice, p.showDevice)
	mux.Handle("POST "+base+pathDevice, http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.signInDevice)))
	mux.HandleFunc("GET "+base+letters.Path, p.showLetter)
	mux.Handle("POST "+base+letters.Path, http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.takeLetter)))
	mux.HandleFunc("GET "+base+pathForgot, p.showForgot)
	mux.Handle("POST "+base+pathForgot, http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.forgot)))
	mux.HandleFunc("GET "+base+pathStyle, serveStyle)
	return guarded(mux)
}

// guarded bounds bodies and sets the headers that every answer has.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a test's writer has none
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// Not no-referrer, with which browsers hide from the form's own site where it came from.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		next.ServeHTTP(w, r)
	})
}

// discovery is written here and not by zitadel, whose own advertises more than we serve.
func (p *Provider) discovery() any {
	type metadata struct {
		oidc.DiscoveryConfiguration
		NamesIssuer bool `json:"authorization_response_iss_parameter_supported"`
	}
	none := []oidc.AuthMethod{oidc.AuthMethodNone}
	return metadata{NamesIssuer: true, DiscoveryConfiguration: oidc.DiscoveryConfiguration{
		Issuer:                                 p.c.Issuer,
		AuthorizationEndpoint:                  p.c.Issuer + pathAuthorize,
		TokenEndpoint:                          p.c.Issuer + pathToken,
		RevocationEndpoint:                     p.c.Issuer + pathRevoke,
		DeviceAuthorizationEndpoint:            p.c.Issuer + pathDeviceAuthorization,
		JwksURI:                                p.c.Issuer + pathKeys,
		ScopesSupported:                        scopes,
		ResponseTypesSupported:                 []string{string(oidc.ResponseTypeCode)},
		ResponseModesSupported:                 []string{string(oidc.ResponseModeQuery)},
		GrantTypesSupported:                    grants,
		SubjectTypesSupported:                  []string{"public"},
		IDTokenSigningAlgValuesSupported:       []string{string(jose.ES256)},
		TokenEndpointAuthMethodsSupported:      none,
		RevocationEndpointAuthMethodsSupported: none,
		ClaimsSupported: []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "at_hash", "c_hash",
			"email", "email_verified", "name"},
		CodeChallengeMethodsSupported: []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
	}}
}

var grants = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode}

func (p *Provider) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_ = json.NewEncoder(w).Encode(p.discovery())
}

// serveAuthorize begins a sign-in. A wrong client or redirect address is told to the person and never redirected to.
func (p *Provider) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Form.Get("client_id") != p.c.ClientID {
		p.showProblem(w, http.StatusBadRequest, unknownProgram)
		return
	}
	if _, fine := p.c.callback(r.Form.Get("redirect_uri")); !fine || len(r.Form["redirect_uri"]) > 1 {
		p.showProblem(w, http.StatusBadRequest, wrongReturn)
		return
	}
	browser := p.browser(w, r)
	r = r.WithContext(context.WithValue(r.Context(), browserKey{}, browser))
	p.careful(func(w http.ResponseWriter, r *http.Request) { op.Authorize(&answer{w, p}, r, p) }).ServeHTTP(w, r)
}

// answer adds the issuer to what is sent back to the client, so that it knows who answered.
type answer struct {
	http.ResponseWriter
	provider *Provider
}

// WriteHeader sends the headers.
func (a *answer) WriteHeader(status int) {
	if location := a.Header().Get("Location"); location != "" {
		a.Header().Set("Location", a.provider.naming(location))
	}
	a.ResponseWriter.WriteHeader(status)
}

// naming is a redirect address with the issuer, if it leaves this site.
func (p *Provider) naming(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return location
	}
	query := u.Query()
	query.Set("iss", p.c.Issuer)
	u.RawQuery = query.Encode()
	return u.String()
}
