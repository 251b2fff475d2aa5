package login

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// Config is what New needs. Fields that may be nil or empty say so.
type Config struct {
	Home        string // the home directory, which exists
	Machine     string // the id of this installation, at most 64 of A-Z a-z 0-9 . _ -
	MachineName string // how people call this machine
	// Open shows an address in the system's browser. Nil: nothing can, and the person has to open it.
	Open   func(url string) error
	Logger *slog.Logger
	Now    func() time.Time // time.Now when nil
	// NoKeychain keeps the refresh token in the file in any case.
	NoKeychain bool
	// Transport carries the requests; nil: the system's way, with its proxies.
	Transport http.RoundTripper
}

// Session is the account that a home is signed in to, or none. It may be used by many goroutines, and several processes may
// have one of the same home.
type Session struct {
	c     Config
	web   *web
	vault *vault
	*tokens

	mu      sync.Mutex
	account config.Account
	missing bool          // the refresh token is nowhere
	changed chan struct{} // closed at the next change of Info
}

// Info is what faces show of the account.
type Info struct {
	config.Account
	// SignedIn tells that the sign-in goes on as far as is known. The account stays known when it does not.
	SignedIn bool
	// Note is what the person should know of how the sign-in is kept; empty when all is as it should be.
	Note string
}

// New reads who is signed in. It asks neither keychain nor network. A damaged account file is kept aside, which damaged says;
// then nobody is signed in.
func New(c Config) (s *Session, damaged *app.Error, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	dir := filepath.Join(c.Home, "login")
	s = &Session{c: c, web: newWeb(c.Transport), tokens: newTokens(c.Now), changed: make(chan struct{})}
	s.vault = newVault(dir, c)
	s.account, damaged, err = s.accountFile().Load()
	return s, damaged, err
}

func (s *Session) accountFile() config.AccountFile { return config.AccountFile{Home: s.c.Home} }

// Token returns an access token that is good for 30 seconds or more. It blocks while one is fetched; of many callers one
// fetches. Errors are *app.Error: CodeSignedOut when nobody is signed in any more, CodeCanceled when ctx ended, and any other
// code means "not now": try again, nobody is signed out. While fetching fails the server is asked at most once a second,
// however often this is called.
func (s *Session) Token(ctx context.Context) (string, error) { return s.get(ctx, s.renew) }

// Refuse takes note that the server did not take a token (401). The next Token fetches another one. One refusal signs nobody
// out; refusals of one token after another are answered with growing pauses.
func (s *Session) Refuse(token string) { s.refuse(token) }

// Info tells who is signed in, at once.
func (s *Session) Info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Info{Account: s.account, SignedIn: s.signedIn(), Note: s.vault.note()}
}

// signedIn is false also in a home that was copied to another machine, which must get a session of its own: two machines that
// renew one end it. The caller holds mu.
func (s *Session) signedIn() bool {
	return s.account.User != "" && s.account.EndedAt.IsZero() && s.account.Machine == s.c.Machine && !s.missing
}

// Current is Info for the agent.
func (s *Session) Current() (config.Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account, s.signedIn()
}

// Note is that of Info.
func (s *Session) Note() string { return s.vault.note() }

// Changed is closed when Info changes the next time.
func (s *Session) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// change lets f change the account and tells those who wait for that.
func (s *Session) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}
