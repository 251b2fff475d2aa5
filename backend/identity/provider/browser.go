package provider

import (
	"crypto/rand"
	"net/http"
	"regexp"
)

// browserKey is under what a request's context names its browser.
type browserKey struct{}

// cookieName has the prefix with which browsers take the cookie from this host over https only.
func (p *Provider) cookieName() string {
	if p.issuer.Scheme == "https" {
		return "__Host-coditect-sync"
	}
	return "coditect-sync"
}

var browserID = regexp.MustCompile(`^[A-Z2-7]{52}$`)

// browser is the secret name of the browser a request comes from, given to it where it has none. Sign-ins belong to it: who
// learns the address of somebody's sign-in cannot go on with it, and a page elsewhere cannot send ours.
func (p *Provider) browser(w http.ResponseWriter, r *http.Request) string {
	if id := p.knownBrowser(r); id != "" {
		return id
	}
	id := rand.Text() + rand.Text()
	http.SetCookie(w, &http.Cookie{Name: p.cookieName(), Value: id, Path: "/", HttpOnly: true,
		Secure: p.issuer.Scheme == "https", SameSite: http.SameSiteLaxMode, MaxAge: int(signInLife.Seconds())})
	return id
}

func (p *Provider) knownBrowser(r *http.Request) string {
	cookie, err := r.Cookie(p.cookieName())
	if err != nil || !browserID.MatchString(cookie.Value) {
		return ""
	}
	return cookie.Value
}
