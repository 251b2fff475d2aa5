package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signInPath is where the page is, seen from the issuer's host.
func signInPath(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return pathSignIn
	}
	return u.Path + pathSignIn
}

// showSignIn shows the form of a sign-in that this browser began.
func (p *Provider) showSignIn(w http.ResponseWriter, r *http.Request) {
	if request := p.open(w, r, r.URL.Query().Get("request")); request != nil {
		p.showForm(w, http.StatusOK, request, form{})
	}
}

// open is the request of an id, or nil, and then the person has been told.
func (p *Provider) open(w http.ResponseWriter, r *http.Request, id string) *request {
	if !storable(id) {
		id = ""
	}
	request, err := p.storage.openRequest(r.Context(), id, p.knownBrowser(r))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		p.showProblem(w, http.StatusBadRequest, noLongerOpen)
		return nil
	case err != nil:
		p.fail(w, "a sign-in cannot be read", err)
		return nil
	}
	return request
}

func (p *Provider) fail(w http.ResponseWriter, what string, err error) {
	p.c.Log.Error("signing in failed", "at", what, "error", err)
	p.showProblem(w, http.StatusServiceUnavailable, notNow)
}

// signIn answers the form. The request's id is in its address, because it is no secret; what the person typed is in the body.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.showProblem(w, http.StatusRequestEntityTooLarge, tooLong)
		return
	}
	request := p.open(w, r, r.PostForm.Get("request"))
	if request == nil {
		return
	}
	if r.PostForm.Get("do") == "cancel" {
		p.cancel(w, r, request)
		return
	}
	email := strings.TrimSpace(r.PostForm.Get("email"))
	account, wait, err := p.authenticate(r, email, r.PostForm.Get("password"))
	if err == nil && account != "" {
		p.finish(w, r, request, account)
		return
	}
	p.again(w, form{Email: email}, wait, err, func(w http.ResponseWriter, status int, f form) { p.showForm(w, status, request, f) })
}

// again shows a form once more, with why nobody is signed in yet.
func (p *Provider) again(w http.ResponseWriter, f form, wait time.Duration, err error, show func(http.ResponseWriter, int, form)) {
	switch {
	case err != nil:
		p.fail(w, "a password cannot be checked", err)
	case wait > 0:
		w.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
		f.Problem = "Too many attempts. Try again in " + inWords(wait) + "."
		show(w, http.StatusTooManyRequests, f)
	default:
		f.Problem = "This address and password do not belong together. Check both."
		show(w, http.StatusUnprocessableEntity, f)
	}
}

// authenticate returns the account of an address and its password, or none. It does the same work for people who do not
// exist, who may not sign in, and whose password is wrong.
func (p *Provider) authenticate(r *http.Request, email, password string) (account string, wait time.Duration, err error) {
	ctx := r.Context()
	keys := attemptKeys(email, p.c.place(r))
	if wait, err = p.throttle.begin(ctx, keys); err != nil || wait > 0 {
		return "", wait, err
	}
	id, stored, err := p.storage.stored(ctx, email)
	if err != nil {
		return "", 0, err
	}
	right, stale, err := p.c.Passwords.Verify(ctx, stored, password)
	if err != nil || !right {
		return "", 0, err
	}
	if stale {
		p.rehash(ctx, id, stored, password)
	}
	return id, 0, p.throttle.succeeded(ctx, keys)
}

// stored is the id and the password's hash of whom an address belongs to; both are empty when he may not sign in.
func (s *storage) stored(ctx context.Context, email string) (id, hash string, err error) {
	err = s.Pool.QueryRow(ctx, "SELECT id, password FROM identity.accounts WHERE lower(email) = lower($1) AND disabled_at IS NULL",
		strings.ToValidUTF8(strings.ReplaceAll(email, "\x00", ""), "")).Scan(&id, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("find an account: %w", err)
	}
	return id, hash, nil
}

// rehash brings a password's hash to today's cost. If it fails, the next sign-in tries again.
func (p *Provider) rehash(ctx context.Context, id, old, password string) {
	hash, err := p.c.Passwords.Hash(ctx, password)
	if err == nil {
		_, err = p.c.Pool.Exec(ctx, "UPDATE identity.accounts SET password = $3 WHERE id = $1 AND password = $2", id, old, hash)
	}
	if err != nil {
		p.c.Log.Warn("a password's hash cannot be renewed", "error", err)
	}
}

// finish sends the browser back to the program, with a code.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, request *request, account string) {
	err := p.storage.signedIn(r.Context(), request, account)
	if errors.Is(err, pgx.ErrNoRows) { // sent twice
		p.showProblem(w, http.StatusBadRequest, noLongerOpen)
		return
	}
	var back string
	if err == nil {
		back, err = op.BuildAuthResponseCallbackURL(op.ContextWithIssuer(r.Context(), p.c.Issuer), request, p)
	}
	if err != nil {
		p.fail(w, "a code cannot be made", err)
		return
	}
	http.Redirect(w, r, p.naming(back), http.StatusSeeOther)
}

// cancel sends the browser back without a code.
func (p *Provider) cancel(w http.ResponseWriter, r *http.Request, request *request) {
	if err := p.storage.cancel(r.Context(), request.id); err != nil {
		p.fail(w, "a sign-in cannot be cancelled", err)
		return
	}
	back, fine := p.c.callback(request.redirect)
	if !fine {
		p.showProblem(w, http.StatusBadRequest, wrongReturn)
		return
	}
	back.RawQuery = url.Values{"error": {"access_denied"}, "state": {request.state}, "iss": {p.c.Issuer}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func inWords(d time.Duration) string {
	if s := seconds(d); s < 60 {
		return fmt.Sprintf("%d s", s)
	}
	return fmt.Sprintf("%d min", int((d+time.Minute-1)/time.Minute))
}
