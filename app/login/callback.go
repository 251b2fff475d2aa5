package login

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// once is a right that is given once.
type once struct {
	mu   sync.Mutex
	gone bool
}

// begin takes it, and is false for everybody but the first.
func (o *once) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.gone
	o.gone = true
	return !was
}

// handler takes requests of one browser, which another program on this machine, or a page in that browser, may imitate.
func (b *browser) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		switch {
		case r.Host != b.host || r.Method != http.MethodGet || !navigates(r):
			b.refuse(w, "request is no navigation to this listener")
		case r.URL.Path == pathStart+b.ticket && r.URL.RawQuery == "":
			b.start(w, r)
		case r.URL.Path == pathCallback:
			b.callback(w, r)
		case r.URL.Path == pathEnd:
			b.end(w, r)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

// navigates tells a person's way through the browser from what a page loads. Browsers that say nothing are old.
func navigates(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return (mode == "" || mode == "navigate") && r.Header.Get("Origin") == ""
}

// refuse answers what has no business here. The attempt goes on: else anybody on the machine could end it.
func (b *browser) refuse(w http.ResponseWriter, why string) {
	b.c.Logger.Warn("request to the sign-in refused", "cause", why)
	b.show(w, http.StatusBadRequest, endPage{Title: "This page is not open", Text: "It is no answer to a sign-in that was begun here. Nothing has changed.",
		Small: "To try again, press “Sign in” in CODITECT Sync. You can close this tab."})
}

// start marks the browser and sends it on to the provider. Whoever comes with the ticket a second time and is not that
// browser has read it somewhere, or the first one had: nobody can tell which, so the sign-in ends.
func (b *browser) start(w http.ResponseWriter, r *http.Request) {
	if !b.started.begin() && !b.known(r) {
		b.attempt.cancel(errCanceled)
		b.refuse(w, "the address was opened twice")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: b.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, b.authorize(), http.StatusSeeOther)
}

// known tells that a request comes from the browser that was marked.
func (b *browser) known(r *http.Request) bool {
	for _, c := range r.CookiesNamed(cookieName) { // other programs on loopback may have set one
		if same(c.Value, b.cookie) {
			return true
		}
	}
	return false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// callback takes the provider's answer, once. The browser is then sent to a page without the code in its address.
func (b *browser) callback(w http.ResponseWriter, r *http.Request) {
	answer, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > 8<<10 || !single(answer) || !same(answer.Get("state"), b.state) || !b.known(r) {
		b.refuse(w, "the answer is not to this sign-in")
		return
	}
	if !b.once.begin() {
		b.refuse(w, "a second answer came")
		return
	}
	switch iss := answer.Get("iss"); {
	case iss != b.issuer.Issuer && (iss != "" || b.issuer.namesIssuer):
		b.attempt.end(b.life, app.Errorf(app.CodeRefused, op, "Somebody else answered in place of the %s.", b.issuer.name).
			WithHint("Nothing has changed. Begin again. If it stays so: %s", b.issuer.cure))
	case answer.Has("error"):
		b.attempt.end(b.life, b.issuer.told(answer.Get("error")))
	case answer.Get("code") == "":
		b.attempt.end(b.life, b.issuer.told("no_code"))
	default:
		b.finish(answer.Get("code"))
	}
	http.Redirect(w, r, pathEnd, http.StatusSeeOther)
}

// single tells that no parameter is there twice: two readers could take different ones.
func single(q url.Values) bool {
	for _, values := range q {
		if len(values) > 1 {
			return false
		}
	}
	return true
}

// end tells the person how it went.
func (b *browser) end(w http.ResponseWriter, r *http.Request) {
	select {
	case <-b.attempt.done:
	default:
		b.refuse(w, "the last page was asked for before the end")
		return
	}
	b.show(w, http.StatusOK, b.outcome())
	if b.known(r) && b.seen.begin() {
		close(b.shown)
	}
}

// outcome is what the last page says.
func (b *browser) outcome() endPage {
	if err := b.attempt.err; err != nil {
		e := app.AsError(op, err)
		return endPage{Title: "Not signed in", Text: strings.TrimSpace(e.Message + " Nothing has changed on"), Machine: b.c.MachineName,
			Small: "To try again, press “Sign in” in CODITECT Sync. You can close this tab."}
	}
	text, small := b.done()
	return endPage{Title: "You can close this tab", Text: text, Machine: b.c.MachineName, Small: small}
}
