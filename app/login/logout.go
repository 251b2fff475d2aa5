package login

import (
	"context"
	"errors"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// revokeWithin limits how long a server that does not answer keeps a person from signing out.
const revokeWithin = 10 * time.Second

// Logout signs out: it has the server end this machine's session, and forgets the tokens and the account here. note is what
// the person should know, empty when all went well: a server that could not be told goes on taking the machine for signed in,
// although nothing here can use that. It fails, and changes nothing, while the refresh token cannot be read: a locked keychain
// would keep it. Nobody signed in is no error.
func (s *Session) Logout(ctx context.Context) (note string, err error) {
	done, err := s.takeTurn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	lock, err := s.lock(ctx)
	if err != nil {
		return "", err
	}
	defer lock.release()
	account, err := s.reload()
	if err != nil || account.User == "" {
		return "", err
	}
	kept, err := s.vault.load(account.Server)
	if err != nil && !errors.Is(err, errNoSecret) {
		return "", keychainStays(err)
	}
	if err == nil {
		note = s.tellServer(ctx, account, kept)
	}
	if err := s.vault.wipe(ctx); err != nil {
		return "", keychainStays(err)
	}
	if err := s.accountFile().Remove(); err != nil {
		return "", err
	}
	s.put(access{})
	s.change(func() { s.account, s.missing = config.Account{}, false })
	return note, nil
}

func (s *Session) tellServer(ctx context.Context, account config.Account, kept secret) (note string) {
	limited, cancel := context.WithTimeout(ctx, revokeWithin)
	defer cancel()
	err := s.server(account.Server).revoke(limited, kept.Token)
	if err == nil {
		return ""
	}
	s.c.Logger.Warn("the server was not told of a sign-out", "error", err)
	return "The server could not be told. Revoke this machine from another one, or let whoever runs the server do it."
}

func keychainStays(err error) error {
	return app.Errorf(app.CodeUnreachable, "sign out", "The keychain does not open, and the sign-in is in it.").
		WithHint("Unlock it and sign out again. Nothing has changed.").Wrap(err)
}
