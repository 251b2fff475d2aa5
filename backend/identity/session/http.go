package session

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/identity/refresh"
)

// Paths.
const (
	pathToken    = "/v1/token"
	pathRevoke   = "/v1/revoke"
	pathKeys     = "/.well-known/jwks.json"
	pathMetadata = "/.well-known/oauth-authorization-server"
)

const (
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	grantRefresh  = "refresh_token"
	typeIDToken   = "urn:ietf:params:oauth:token-type:id_token"
	typeAccess    = "urn:ietf:params:oauth:token-type:access_token"
)

// maxBody is more than any ID token needs.
const maxBody = 64 << 10

// bodyTime is how long a client may take to send one.
const bodyTime = 15 * time.Second

// Handler serves the paths of the package.
func (s *Sessions) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathToken, s.serveToken)
	mux.HandleFunc("POST "+pathRevoke, s.serveRevoke)
	mux.HandleFunc("GET "+pathKeys, s.serveKeys)
	mux.HandleFunc("GET "+pathMetadata, s.serveMetadata)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a test's writer has none
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

// refusal is an answer of OAuth's that is not a token.
type refusal struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// refusals is what a client is told of an error; the first that fits counts.
var refusals = []struct {
	err error
	as  refusal
}{
	{errAway, refusal{http.StatusServiceUnavailable, "temporarily_unavailable", "The identity provider does not answer now."}},
	{errToken, refusal{http.StatusBadRequest, "invalid_grant", "The ID token is not valid, or not for this server."}},
	{errNobody, refusal{http.StatusForbidden, "access_denied", "You have no account on this server. Ask whoever runs it to add you."}},
	{errMachine, refusal{http.StatusForbidden, "machine_taken", "This machine is signed in for somebody else."}},
	{refresh.ErrInvalid, refusal{http.StatusBadRequest, "invalid_grant", "The session has ended. Sign in again."}},
}

// fail answers an error. The cause is for the log; no token is in it.
func (s *Sessions) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			s.c.Log.InfoContext(r.Context(), "a token was refused", "cause", err)
			refuse(w, known.as)
			return
		}
	}
	s.c.Log.ErrorContext(r.Context(), "a token could not be made", "error", err)
	w.Header().Set("Retry-After", "2")
	refuse(w, refusal{http.StatusServiceUnavailable, "temporarily_unavailable", "The server cannot answer now."})
}

func refuse(w http.ResponseWriter, r refusal) { answer(w, r.status, r) }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone, or has it
}

// formOf reads a form's body. Parameters in the address are not looked at: addresses end up in logs.
func formOf(w http.ResponseWriter, r *http.Request) bool {
	if err := r.ParseForm(); err != nil {
		refuse(w, refusal{http.StatusBadRequest, "invalid_request", "The form cannot be read, or is too long."})
		return false
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			refuse(w, refusal{http.StatusBadRequest, "invalid_request", "A parameter is there twice."})
			return false
		}
		if name == "client_secret" {
			refuse(w, refusal{http.StatusUnauthorized, "invalid_client", "Clients have no secret here."})
			return false
		}
	}
	return true
}

func (s *Sessions) serveToken(w http.ResponseWriter, r *http.Request) {
	if !formOf(w, r) {
		return
	}
	switch r.PostForm.Get("grant_type") {
	case grantExchange:
		s.serveExchange(w, r)
	case grantRefresh:
		t, err := s.renew(r.Context(), r.PostForm.Get("refresh_token"))
		s.give(w, r, t, err)
	default:
		refuse(w, refusal{http.StatusBadRequest, "unsupported_grant_type", "This grant_type is not supported."})
	}
}

func (s *Sessions) serveExchange(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm
	e := exchange{idToken: form.Get("subject_token"), nonceVerifier: form.Get("nonce_verifier"), machine: form.Get("machine_id"), name: form.Get("machine_name")}
	if form.Get("subject_token_type") != typeIDToken {
		refuse(w, refusal{http.StatusBadRequest, "invalid_request", "subject_token_type must be " + typeIDToken + "."})
		return
	}
	if err := e.check(); err != nil {
		refuse(w, refusal{http.StatusBadRequest, "invalid_request", err.Error() + "."})
		return
	}
	t, err := s.begin(r.Context(), e)
	s.give(w, r, t, err)
}

// give answers with tokens.
func (s *Sessions) give(w http.ResponseWriter, r *http.Request, t tokens, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": t.access, "token_type": "Bearer", "expires_in": int(t.life.Seconds()),
		"refresh_token": t.refresh, "issued_token_type": typeAccess, "machine_id": t.session.Machine, "user_id": t.session.User})
}

// serveRevoke signs a machine out. What is no token of ours is revoked already, says RFC 7009.
func (s *Sessions) serveRevoke(w http.ResponseWriter, r *http.Request) {
	if !formOf(w, r) {
		return
	}
	_, err := s.refresh.End(r.Context(), r.PostForm.Get("token"), "signed out")
	if err != nil && !errors.Is(err, refresh.ErrInvalid) {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Sessions) serveKeys(w http.ResponseWriter, r *http.Request) {
	set, err := s.PublicKeys(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	answer(w, http.StatusOK, set)
}

// signIn is where people sign in, for programs that know the server's address only.
type signIn struct {
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
}

func (s *Sessions) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	var all []signIn
	for _, i := range s.c.Issuers {
		all = append(all, signIn{i.URL, i.ClientID})
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	answer(w, http.StatusOK, map[string]any{
		"issuer": s.c.URL, "token_endpoint": s.c.URL + pathToken, "revocation_endpoint": s.c.URL + pathRevoke, "jwks_uri": s.c.URL + pathKeys,
		"grant_types_supported": []string{grantExchange, grantRefresh}, "response_types_supported": []string{},
		"token_endpoint_auth_methods_supported": []string{"none"}, "revocation_endpoint_auth_methods_supported": []string{"none"},
		"sign_in": all,
	})
}
