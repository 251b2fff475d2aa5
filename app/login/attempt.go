package login

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// signInWithin is how long a person may take in the browser.
const signInWithin = 5 * time.Minute

// Attempt is a sign-in under way. It ends by itself: with success, an error, Cancel, or when its time is over.
type Attempt struct {
	// URL is what the person opens: with a browser, an address of this machine that works once; by a code, the provider's
	// page. No secret is in it.
	URL string
	// Code is what the person types there; empty with a browser.
	Code string
	// Until is when it ends.
	Until time.Time

	done   chan struct{}
	left   chan struct{} // closed when nobody waits any more for the browser to have the last page
	leave  func()
	cancel context.CancelCauseFunc
	all    sync.WaitGroup
	err    error // valid after done
}

// Done is closed when the attempt has ended.
func (a *Attempt) Done() <-chan struct{} { return a.done }

// Err is why nobody is signed in, nil after success. It must be called after Done is closed.
func (a *Attempt) Err() error { return a.err }

// Cancel ends the attempt, if it goes on, and waits for that.
func (a *Attempt) Cancel() {
	a.cancel(errCanceled)
	<-a.done
	a.leave()
	a.all.Wait()
}

var (
	errCanceled = errors.New("the sign-in was canceled")
	errLate     = errors.New("the time for the sign-in is over")
)

// start makes an attempt that ends at the deadline. Its context is not the caller's, who only begins it.
func start(until time.Time) (*Attempt, context.Context) {
	ctx, cancel := context.WithCancelCause(context.Background())
	ctx, stop := context.WithDeadlineCause(ctx, until, errLate)
	a := &Attempt{Until: until, done: make(chan struct{}), left: make(chan struct{}), cancel: func(err error) { cancel(err); stop() }}
	a.leave = sync.OnceFunc(func() { close(a.left) })
	return a, ctx
}

// end notes how the attempt ended. It is called once.
func (a *Attempt) end(ctx context.Context, err error) {
	if err != nil && ctx.Err() != nil {
		err = ending(ctx)
	}
	a.err = err
	close(a.done)
	a.cancel(errCanceled)
}

func ending(ctx context.Context) *app.Error {
	if errors.Is(context.Cause(ctx), errLate) {
		return app.Errorf(app.CodeFailed, op, "Nobody signed in in time.").WithHint("Nothing has changed. Begin again.")
	}
	return app.Errorf(app.CodeCanceled, op, "The sign-in was canceled.").WithHint("Nothing has changed.")
}

// secrets are what only this process knows of an attempt.
type secrets struct {
	nonceVerifier string // proves to the server that the ID token is ours
	codeVerifier  string // proves to the provider that the code is ours
}

func newSecrets() secrets { return secrets{oauth2.GenerateVerifier(), oauth2.GenerateVerifier()} }

func (s secrets) nonce() string { return oauth2.S256ChallengeFromVerifier(s.nonceVerifier) }

// find discovers the server and the provider where one signs in.
func (s *Session) find(ctx context.Context, address string) (server, *issuer, error) {
	address, err := ServerAddress(address)
	if err != nil {
		return server{}, nil, err
	}
	at := s.server(address)
	p, err := at.discover(ctx)
	if err != nil {
		return at, nil, err
	}
	i, err := openIssuer(ctx, s.web, p, ofServer)
	return at, i, err
}

// finish makes a session of an ID token and keeps it. What was kept before is ended: the server ends the earlier session of
// the machine by itself, another server is told.
func (s *Session) finish(ctx context.Context, at server, i *issuer, a answer, x secrets) error {
	done, err := s.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer done()
	lock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.release()
	was, err := s.reload()
	if err != nil {
		return err
	}
	asked := s.c.Now()
	got, err := at.exchange(ctx, a.idToken, x.nonceVerifier, s.c.Machine, s.c.MachineName)
	if err != nil {
		return err
	}
	former, formerErr := s.vault.load(was.Server)
	account := config.Account{
		Server: at.address, Issuer: i.Issuer, User: got.User, Tenant: tenantOf(got.Access), Email: oneLine(a.who.Email), Name: oneLine(a.who.Name),
		Machine: s.c.Machine, SignedInAt: asked.UTC().Round(time.Second),
	}
	if err := s.accountFile().Save(account); err != nil {
		_ = at.revoke(ctx, got.Refresh) // what cannot be kept must not stay open
		return err
	}
	s.startAnew()
	s.keep(account, secret{Server: at.address, N: former.N + 1, Token: got.Refresh}, got, asked)
	if formerErr == nil && was.Server != at.address {
		if err := s.server(was.Server).revoke(ctx, former.Token); err != nil {
			s.c.Logger.Warn("the former server was not told", "error", err)
		}
	}
	return nil
}

// oneLine is a text of the provider's, short and without what does not print.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200])
	}
	return strings.TrimSpace(text)
}

// random is a text of 130 random bits.
func random() string { return rand.Text() }
