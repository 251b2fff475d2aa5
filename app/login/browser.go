package login

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	pathCallback = "/callback" // the one that providers know
	pathEnd      = "/end"
	pathStart    = "/sign-in/" // and the ticket
	cookieName   = "coditect_sign_in"
)

// endWithin is how long the listener stays for the browser to fetch the last page, closeWithin how long that may then take.
const (
	endWithin   = 10 * time.Second
	closeWithin = 2 * time.Second
)

// Begin starts signing in with the system's browser and returns once it was opened. It blocks while server and provider are
// asked where to go. CodeInvalid for an address that cannot be one; a browser that does not open is told in the log, and the
// person can open Attempt.URL.
func (s *Session) Begin(ctx context.Context, address string) (*Attempt, error) {
	at, i, err := s.find(ctx, address)
	if err != nil {
		return nil, err
	}
	return beginBrowser(ctx, s.c, purpose{
		issuer: i,
		keep:   func(ctx context.Context, a answer, x secrets) error { return s.finish(ctx, at, i, a, x) },
		done: func() (text, small string) {
			return "You are signed in as " + s.Info().Who() + ". CODITECT Sync goes on by itself on", "Not you? Open CODITECT Sync, Settings, and sign out."
		},
	})
}

// purpose is what a sign-in with a browser is for.
type purpose struct {
	issuer *issuer
	asks   []oauth2.AuthCodeOption // beside what every sign-in asks
	// keep takes what the provider gave. An error ends the sign-in with it.
	keep func(ctx context.Context, a answer, x secrets) error
	// done is what the last page says: a text that the machine's name follows, and a small one below.
	done func() (text, small string)
}

// beginBrowser opens the system's browser where the person signs in.
func beginBrowser(ctx context.Context, c Config, what purpose) (*Attempt, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, app.Errorf(app.CodeFailed, op, "No port of this machine is free for the sign-in.").
			WithHint("Sign in with a code instead.").Typed("Use `coditect-sync login --device`.").Wrap(err)
	}
	a, life := start(time.Now().Add(signInWithin))
	b := &browser{c: c, purpose: what, attempt: a, life: life, host: ln.Addr().String(), secrets: newSecrets(),
		state: random(), ticket: random(), cookie: random(), shown: make(chan struct{})}
	a.URL = "http://" + b.host + pathStart + b.ticket
	b.serve(ln)
	if c.Open == nil {
		return a, nil
	}
	if err := c.Open(a.URL); err != nil {
		c.Logger.Warn("no browser opens", "error", err)
	}
	return a, nil
}

// browser is a sign-in with a browser.
type browser struct {
	c Config
	purpose
	attempt *Attempt
	life    context.Context //nolint:containedctx // of the attempt, which outlives every request
	host    string          // of the listener
	secrets
	state, ticket, cookie string

	started, once, seen once
	shown               chan struct{} // closed when the browser has the last page
}

func (b *browser) redirect() string { return "http://" + b.host + pathCallback }

// authorize is where the browser is sent.
func (b *browser) authorize() string {
	config := b.issuer.oauth
	config.RedirectURL = b.redirect()
	all := append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(b.codeVerifier), oauth2.SetAuthURLParam("nonce", b.nonce())}, b.asks...)
	return config.AuthCodeURL(b.state, all...)
}

// serve answers at the listener until the attempt has ended and its last page was seen.
func (b *browser) serve(ln net.Listener) {
	server := &http.Server{Handler: b.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(b.c.Logger.Handler(), slog.LevelDebug)}
	b.attempt.all.Go(func() {
		_ = server.Serve(ln) // ends with Shutdown
	})
	b.attempt.all.Go(func() {
		<-b.life.Done()
		if b.once.begin() { // nothing came
			b.attempt.end(b.life, ending(b.life))
		} else {
			<-b.attempt.done
			b.linger()
		}
		// The last page may still be on its way.
		limited, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		_ = server.Shutdown(limited)
		_ = server.Close() // who is not done now does not read
	})
}

// linger waits until the browser has the last page.
func (b *browser) linger() {
	limit := time.NewTimer(endWithin)
	defer limit.Stop()
	select {
	case <-b.shown:
	case <-limit.C:
	case <-b.attempt.left:
	}
}

// finish goes on with an answer that was found good. It ends the attempt.
func (b *browser) finish(code string) {
	err := b.redeem(code)
	if err != nil {
		b.c.Logger.Warn("sign-in failed", "error", err)
	}
	b.attempt.end(b.life, err)
}

func (b *browser) redeem(code string) error {
	a, err := b.issuer.redeem(b.life, code, b.redirect(), b.codeVerifier, b.nonce())
	if err != nil {
		return err
	}
	return b.keep(b.life, a, b.secrets)
}
