package login

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// The server's paths. They are part of its contract, so that no document can lead a refresh token elsewhere.
const (
	pathMetadata = "/.well-known/oauth-authorization-server"
	pathToken    = "/v1/token"
	pathRevoke   = "/v1/revoke"
)

const (
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeIDToken   = "urn:ietf:params:oauth:token-type:id_token"
)

// errGrant is a token that the server says is not good: invalid_grant.
var errGrant = errors.New("invalid_grant")

// refusal is an answer that is no token.
type refusal struct {
	status int
	code   string // of OAuth; empty where the answer was none of OAuth's
	after  time.Duration
	err    *app.Error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }
func (r *refusal) Is(target error) bool {
	return target == errGrant && r.code == "invalid_grant" && r.status == http.StatusBadRequest
}

// grant is what the server gives.
type grant struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Seconds int64  `json:"expires_in"`
	Machine string `json:"machine_id"`
	User    string `json:"user_id"`
}

// provider is an identity provider that the server trusts.
type provider struct {
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
}

// server is the sign-in side of one server.
type server struct {
	*web
	address string
	now     func() time.Time
}

// discover asks where people sign in: the first provider that the server names.
func (s server) discover(ctx context.Context) (provider, error) {
	var said struct {
		Issuer string     `json:"issuer"`
		SignIn []provider `json:"sign_in"`
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+pathMetadata, nil)
	if err != nil {
		return provider{}, app.Errorf(app.CodeInvalid, op, "The address of the server cannot be used.").Wrap(err)
	}
	if err := s.ask(r, &said); err != nil {
		return provider{}, err
	}
	switch {
	case said.Issuer != s.address:
		return provider{}, app.Errorf(app.CodeRefused, op, "The server says that its address is another one.").
			WithHint("Use the address that its operator gave you.")
	case len(said.SignIn) == 0 || said.SignIn[0].ClientID == "":
		return provider{}, app.Errorf(app.CodeInvalid, op, "The server does not say where to sign in.").WithHint("Ask whoever runs it.")
	}
	_, err = checkAddress("identity provider", said.SignIn[0].Issuer)
	return said.SignIn[0], err
}

// exchange makes a session of an ID token.
func (s server) exchange(ctx context.Context, idToken, nonceVerifier, machine, name string) (grant, error) {
	g, err := s.token(ctx, url.Values{"grant_type": {grantExchange}, "subject_token": {idToken}, "subject_token_type": {typeIDToken},
		"nonce_verifier": {nonceVerifier}, "machine_id": {machine}, "machine_name": {name}})
	if err == nil && (g.Machine != machine || g.User == "") {
		err = app.Errorf(app.CodeFailed, op, "The server answers for another machine.").WithHint("Tell whoever runs it.")
	}
	return g, err
}

// renew goes on with a session. errGrant: it is over, or the token was used.
func (s server) renew(ctx context.Context, refreshToken string) (grant, error) {
	return s.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
}

func (s server) token(ctx context.Context, form url.Values) (g grant, err error) {
	if err := s.post(ctx, pathToken, form, &g); err != nil {
		return grant{}, err
	}
	if g.Access == "" || g.Refresh == "" {
		return grant{}, portal("server", http.StatusOK)
	}
	return g, nil
}

// revoke ends a session (RFC 7009). A token that is not known is revoked already.
func (s server) revoke(ctx context.Context, refreshToken string) error {
	return s.post(ctx, pathRevoke, url.Values{"token": {refreshToken}, "token_type_hint": {"refresh_token"}}, nil)
}

func (s server) post(ctx context.Context, path string, form url.Values, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		return app.Errorf(app.CodeInvalid, op, "The address of the server cannot be used.").Wrap(quiet(err))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.ask(r, into)
}

// ask sends a request and reads a JSON answer, if one is wanted.
func (s server) ask(r *http.Request, into any) error {
	r.Header.Set("Accept", "application/json")
	response, err := s.http.Do(r)
	if err != nil && r.Context().Err() != nil {
		return canceled(r.Context())
	}
	if err != nil {
		return unanswered("server", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil && r.Context().Err() != nil {
		return canceled(r.Context())
	}
	if err != nil {
		return unanswered("server", err)
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return s.refused(response, body)
	}
	if into == nil {
		return nil
	}
	if !isJSON(response) || json.Unmarshal(body, into) != nil {
		return portal("server", response.StatusCode)
	}
	return nil
}

func isJSON(r *http.Response) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// refused is why an answer is no success. What the server says in words is not repeated: it may be anything.
func (s server) refused(response *http.Response, body []byte) error {
	var said struct {
		Code string `json:"error"`
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "application/problem+json" {
		return s.problem(response)
	}
	r := &refusal{status: response.StatusCode, after: retryAfter(response.Header, s.now())}
	if isJSON(response) && json.Unmarshal(body, &said) == nil {
		r.code = said.Code
	}
	switch {
	case r.status == http.StatusTooManyRequests:
		r.err = app.Errorf(app.CodeUnreachable, op, "The server asks to wait.").WithHint("It is tried again by itself.")
	case r.status >= 500:
		r.err = app.Errorf(app.CodeUnreachable, op, "The server cannot answer now.").WithHint("It is tried again by itself.")
	case r.code == "":
		r.err = portal("server", r.status)
	default:
		r.err = sentenceFor(r.code)
	}
	return r
}

// problem is an answer of the server's API, as opposed to its sign-in.
func (s server) problem(response *http.Response) error {
	r := &refusal{status: response.StatusCode, after: retryAfter(response.Header, s.now())}
	switch r.status {
	case http.StatusUnauthorized:
		r.err = app.Errorf(app.CodeUnreachable, "machines", "The server does not accept this machine's sign-in at the moment.").
			WithHint("Try again. If it stays so, sign out and in again.")
	case http.StatusNotFound:
		r.err = app.Errorf(app.CodeNotFound, "machines", "You have no machine of that id.").Typed("List them with `coditect-sync machines`.")
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		r.err = app.Errorf(app.CodeInvalid, "machines", "The server does not take that.").WithHint("A name has 1 to 100 characters that can be shown.")
	default:
		r.err = app.Errorf(app.CodeUnreachable, "machines", "The server cannot answer now.").WithHint("Try again in a minute.")
	}
	return r
}

// sentenceFor is an error code of OAuth's, or of our server's, as a person reads it.
func sentenceFor(code string) *app.Error {
	switch code {
	case "machine_taken":
		return app.Errorf(app.CodeRefused, op, "This machine is somebody else's at this server.").
			WithHint("Sign in as that person.").Typed("Sign in as that person, or give yourself a home of your own (--home).")
	case "access_denied":
		return app.Errorf(app.CodeDenied, op, "You have no account on this server.").WithHint("Ask whoever runs it to add you.")
	case "invalid_grant":
		return app.Errorf(app.CodeDenied, op, "The server did not accept the sign-in.").WithHint("Sign in once more.")
	case "temporarily_unavailable":
		return app.Errorf(app.CodeUnreachable, op, "The server cannot answer now.").WithHint("It is tried again by itself.")
	}
	return app.Errorf(app.CodeFailed, op, "The server does not understand this program.").
		WithHint("One of the two is too old.").Wrap(errors.New(plainCode(code)))
}

// plainCode is an error code for a log: a word, or nothing.
func plainCode(code string) string {
	for _, r := range code {
		if (r < 'a' || r > 'z') && r != '_' {
			return "an unknown error code"
		}
	}
	return code[:min(len(code), 40)]
}

// tenantOf is what the server's access token says of the tenant. It is not verified: it is only shown to nobody.
func tenantOf(access string) string {
	var claims struct {
		Tenant string `json:"tenant_id"`
	}
	if parts := strings.Split(access, "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(text, &claims) // then it is not known
		}
	}
	return claims.Tenant
}
