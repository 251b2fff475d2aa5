package provider

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	deviceLife = 10 * time.Minute
	// pollPause is how long a machine waits before it asks again.
	pollPause = 5 * time.Second
	// userCodeLetters make no words and do not look alike; eight of them are typed.
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
)

// serveDevice begins a sign-in for a machine that has no browser. Its answer has no address with the code in it, as RFC 8628
// would allow: who types the code has seen it.
func (p *Provider) serveDevice(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != p.c.ClientID {
		answerDevice(w, http.StatusBadRequest, map[string]any{"error": "invalid_client"})
		return
	}
	asked := &oidc.AuthRequest{Scopes: strings.Fields(r.PostForm.Get("scope"))}
	nonce := r.PostForm.Get("nonce")
	if _, err := p.checkScopes(asked); err != nil || nonce == "" || !storable(nonce) {
		answerDevice(w, http.StatusBadRequest, map[string]any{"error": "invalid_request", "error_description": "scope openid and a nonce are required"})
		return
	}
	code, userCode := rand.Text()+rand.Text(), newUserCode()
	if err := p.storage.addDevice(r.Context(), code, userCode, nonce, asked.Scopes); err != nil {
		p.c.Log.Error("a sign-in of a machine without a browser cannot begin", "error", err)
		answerDevice(w, http.StatusServiceUnavailable, map[string]any{"error": "temporarily_unavailable"})
		return
	}
	answerDevice(w, http.StatusOK, map[string]any{"device_code": code, "user_code": userCode[:4] + "-" + userCode[4:],
		"verification_uri": p.c.Issuer + pathDevice, "expires_in": int(deviceLife.Seconds()), "interval": int(pollPause.Seconds())})
}

func answerDevice(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the machine is gone, or has it
}

func newUserCode() string {
	var code strings.Builder
	for range userCodeLength {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(userCodeLetters)))) // crypto/rand does not fail
		code.WriteByte(userCodeLetters[n.Int64()])
	}
	return code.String()
}

// plainCode is what a person typed, as codes are kept: capitals, without what separates them.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userCodeLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

func (s *storage) addDevice(ctx context.Context, code, userCode, nonce string, scopes []string) error {
	tag, err := s.Pool.Exec(ctx, `INSERT INTO identity.devices (code, user_code, client_id, scopes, nonce, expires_at)
		SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM (SELECT FROM identity.devices LIMIT $7) AS open) < $7`,
		digest(code), digest(userCode), s.ClientID, scopes, nonce, s.Now().Add(deviceLife), mostRequests)
	if err == nil && tag.RowsAffected() == 0 {
		err = errBusy
	}
	return err
}

// StoreDeviceAuthorization is for a handler that is not served.
func (s *storage) StoreDeviceAuthorization(context.Context, string, string, string, time.Time, []string) error {
	return errUnsupported
}

// GetDeviceAuthorizatonState is how far the sign-in of a machine is. One that is done, or denied, is told once.
func (s *storage) GetDeviceAuthorizatonState(ctx context.Context, client, code string) (*op.DeviceAuthorizationState, error) {
	state, tooSoon, err := s.poll(ctx, client, code)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, errUnknown
	case err != nil:
		return nil, trouble(ctx, fmt.Errorf("look for a machine's sign-in: %w", err))
	case tooSoon && !state.Done && !state.Denied:
		return nil, context.DeadlineExceeded // which zitadel's handler answers with slow_down
	}
	return state, nil
}

func (s *storage) poll(ctx context.Context, client, code string) (state *op.DeviceAuthorizationState, tooSoon bool, err error) {
	state = &op.DeviceAuthorizationState{ClientID: client, AMR: amr}
	now := s.Now()
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var nonce string
		var polled, expires time.Time
		err := tx.QueryRow(ctx, `SELECT scopes, nonce, expires_at, coalesce(polled_at, 'epoch'), denied, coalesce(account_id, ''), coalesce(signed_in_at, 'epoch')
			FROM identity.devices WHERE code = $1 AND client_id = $2 FOR UPDATE`, digest(code), client).
			Scan(&state.Scopes, &nonce, &expires, &polled, &state.Denied, &state.Subject, &state.AuthTime)
		if err != nil {
			return err
		}
		state.Done, tooSoon = state.Subject != "" && expires.After(now), now.Sub(polled) < pollPause
		state.Expires = time.Now().Add(expires.Sub(now)) // zitadel's handler compares with the real time
		if !state.Done && !state.Denied {
			_, err = tx.Exec(ctx, "UPDATE identity.devices SET polled_at = $2 WHERE code = $1", digest(code), now)
			return err
		}
		if x := exchangeOf(ctx); x != nil {
			x.nonce = nonce
		}
		_, err = tx.Exec(ctx, "DELETE FROM identity.devices WHERE code = $1", digest(code))
		return err
	})
	return state, tooSoon, err
}

// decide lets the person who typed a code sign the machine in, or turns it away. It reports whether the code was open.
func (s *storage) decide(ctx context.Context, userCode, account string, denied bool) (open bool, err error) {
	tag, err := s.Pool.Exec(ctx, `UPDATE identity.devices SET account_id = nullif($2, ''), signed_in_at = $3, denied = $4
		WHERE user_code = $1 AND expires_at > $3 AND account_id IS NULL AND NOT denied`, digest(userCode), account, s.Now(), denied)
	if err != nil {
		return false, fmt.Errorf("decide on a machine's sign-in: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// showDevice shows the form into which a person types what the machine shows.
func (p *Provider) showDevice(w http.ResponseWriter, _ *http.Request) {
	p.showDeviceForm(w, http.StatusOK, form{})
}

func (p *Provider) showDeviceForm(w http.ResponseWriter, status int, f form) {
	title := "Sign in a machine"
	if f.Problem != "" {
		title = "Not signed in yet"
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
	p.show(w, status, view{Title: title, Device: true, Form: f})
}

// signInDevice answers that form. A code that is not open is told only to somebody whose password was right: else this would
// be a place to guess codes.
func (p *Provider) signInDevice(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.showProblem(w, http.StatusRequestEntityTooLarge, tooLong)
		return
	}
	f := form{Email: strings.TrimSpace(r.PostForm.Get("email")), Code: r.PostForm.Get("code")}
	account, wait, err := p.authenticate(r, f.Email, r.PostForm.Get("password"))
	if err == nil && account != "" {
		p.finishDevice(w, r, f, account)
		return
	}
	p.again(w, f, wait, err, p.showDeviceForm)
}

func (p *Provider) finishDevice(w http.ResponseWriter, r *http.Request, f form, account string) {
	denied := r.PostForm.Get("do") == "deny"
	if denied {
		account = ""
	}
	open, err := p.storage.decide(r.Context(), plainCode(f.Code), account, denied)
	switch {
	case err != nil:
		p.fail(w, "a code cannot be looked for", err)
	case !open:
		f.Problem = "This code is not open. Check it, or begin again on the machine that shows it."
		p.showDeviceForm(w, http.StatusUnprocessableEntity, f)
	default:
		p.showProblem(w, http.StatusOK, signedIn)
	}
}
