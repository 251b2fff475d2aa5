package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity/letters"
	"github.com/coditect-ai/coditect-sync/backend/identity/password"
)

// showLetter shows the form that a link leads to. The code in it is looked for when the form is sent, so that programs that
// open links before people do use none up.
func (p *Provider) showLetter(w http.ResponseWriter, r *http.Request) {
	p.showLetterForm(w, http.StatusOK, form{Code: r.URL.Query().Get("code")})
}

func (p *Provider) showLetterForm(w http.ResponseWriter, status int, f form) {
	p.showPlain(w, status, view{Title: "Choose a password", Letter: true, Form: f})
}

// showPlain shows a form that goes nowhere else.
func (p *Provider) showPlain(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
	p.show(w, status, v)
}

// takeLetter answers it.
func (p *Provider) takeLetter(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.showProblem(w, http.StatusRequestEntityTooLarge, tooLong)
		return
	}
	f, chosen := form{Code: r.PostForm.Get("code")}, r.PostForm.Get("password")
	if err := password.Check(chosen); err != nil {
		f.Problem = fmt.Sprintf("A password has at least %d characters.", password.MinLength)
		p.showLetterForm(w, http.StatusUnprocessableEntity, f)
		return
	}
	// A hash is work that nobody gets done here who has no letter.
	err := p.storage.good(r.Context(), letters.Code(f.Code))
	var hash string
	if err == nil {
		hash, err = p.c.Passwords.Hash(r.Context(), chosen)
	}
	if err == nil {
		err = p.storage.redeem(r.Context(), letters.Code(f.Code), hash)
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		p.showProblem(w, http.StatusUnprocessableEntity, usedLetter)
	case errors.Is(err, errTaken):
		p.showProblem(w, http.StatusUnprocessableEntity, takenAddress)
	case err != nil:
		p.fail(w, "a letter cannot be taken", err)
	default:
		p.showProblem(w, http.StatusOK, chosenPassword)
	}
}

// errTaken is an address that has an account here, of another tenant's person.
var errTaken = errors.New("the address has an account")

// good returns pgx.ErrNoRows for a letter that is none, or none any more.
func (s *storage) good(ctx context.Context, code letters.Code) error {
	var found bool
	return s.Pool.QueryRow(ctx, "SELECT true FROM identity.letters WHERE digest = $1 AND expires_at > $2", code.Digest(), s.Now()).Scan(&found)
}

// redeem uses a letter up: the person of an invitation gets an account, the one of a reset another password, and his sessions
// end. It returns pgx.ErrNoRows for a letter that is none, or none any more.
func (s *storage) redeem(ctx context.Context, code letters.Code, hash string) error {
	return pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var tenant, user, email, name string
		err := tx.QueryRow(ctx, `DELETE FROM identity.letters l USING app.users u WHERE l.digest = $1 AND l.expires_at > $2
			AND u.tenant_id = l.tenant_id AND u.id = l.user_id AND u.disabled_at IS NULL
			RETURNING u.tenant_id, u.id, u.email, u.name`, code.Digest(), s.Now()).Scan(&tenant, &user, &email, &name)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "UPDATE identity.accounts SET password = $4 WHERE id IN "+ownAccounts, tenant, user, s.Issuer, hash)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return s.begin(ctx, tx, tenant, user, email, name, hash)
		}
		_, err = tx.Exec(ctx, `UPDATE identity.families SET ended_at = $4, ended_because = 'the password was reset' WHERE ended_at IS NULL AND
			(kind = 'session' AND tenant_id = $1 AND subject = $2 OR kind = 'provider' AND subject IN `+ownAccounts+")", tenant, user, s.Issuer, s.Now())
		return err
	})
}

// ownAccounts are the accounts here of the user $2 of the tenant $1.
const ownAccounts = "(SELECT subject FROM identity.links WHERE tenant_id = $1 AND user_id = $2 AND issuer = $3)"

// begin gives a person an account.
func (s *storage) begin(ctx context.Context, tx pgx.Tx, tenant, user, email, name, hash string) error {
	subject := string(letters.NewCode()) // random, and nothing else
	_, err := tx.Exec(ctx, "INSERT INTO identity.accounts (id, email, name, password) VALUES ($1, $2, $3, $4)", subject, email, name, hash)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "accounts_email" {
		return errTaken
	}
	if err == nil {
		_, err = tx.Exec(ctx, "INSERT INTO identity.links (issuer, subject, tenant_id, user_id) VALUES ($1, $2, $3, $4)", s.Issuer, subject, tenant, user)
	}
	return err
}

// showForgot shows where one asks for another password.
func (p *Provider) showForgot(w http.ResponseWriter, _ *http.Request) {
	if p.c.Post == nil {
		p.showProblem(w, http.StatusOK, askOperator)
		return
	}
	p.showForgotForm(w, http.StatusOK, form{})
}

func (p *Provider) showForgotForm(w http.ResponseWriter, status int, f form) {
	p.showPlain(w, status, view{Title: "Another password", Forgot: true, Form: f})
}

// forgot answers it, to known and unknown addresses alike: the letter is written afterwards.
func (p *Provider) forgot(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || p.c.Post == nil {
		p.showProblem(w, http.StatusUnprocessableEntity, askOperator)
		return
	}
	f := form{Email: strings.TrimSpace(r.PostForm.Get("email"))}
	if letters.CheckAddress(f.Email) != nil {
		f.Problem = "That is no email address."
		p.showForgotForm(w, http.StatusUnprocessableEntity, f)
		return
	}
	if wait, err := p.throttle.begin(r.Context(), attemptKeys("forgot\x00"+f.Email, "forgot\x00"+p.c.place(r))); err != nil || wait > 0 {
		p.again(w, f, wait, err, p.showForgotForm)
		return
	}
	select {
	case p.forgetful <- f.Email:
	default: // so many at once are no people
		w.Header().Set("Retry-After", strconv.Itoa(60))
		p.showProblem(w, http.StatusServiceUnavailable, notNow)
		return
	}
	p.showProblem(w, http.StatusOK, underWay)
}

// write sends the letters that people asked for, until ctx ends.
func (p *Provider) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case email := <-p.forgetful:
			if err := p.sendReset(ctx, email); err != nil && ctx.Err() == nil {
				p.c.Log.Error("a letter for another password was not sent", "error", err)
			}
		}
	}
}

// sendReset writes to whoever has an account of an address.
func (p *Provider) sendReset(ctx context.Context, email string) error {
	code, to := letters.NewCode(), ""
	err := p.c.Pool.QueryRow(ctx, `WITH who AS (SELECT l.tenant_id, l.user_id, a.email FROM identity.accounts a
			JOIN identity.links l ON l.issuer = $3 AND l.subject = a.id WHERE lower(a.email) = lower($1) AND a.disabled_at IS NULL),
		kept AS (INSERT INTO identity.letters (digest, kind, tenant_id, user_id, expires_at)
			SELECT $2, 'reset', tenant_id, user_id, $4 FROM who)
		SELECT email FROM who`, email, code.Digest(), p.c.Issuer, p.c.Now().Add(letters.ResetLife)).Scan(&to)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return backend.Errorf(backend.Unavailable, "The database did not keep a letter.").Wrap(err)
	}
	return p.c.Post.Send(ctx, letters.Reset(to, p.c.Issuer, code))
}
