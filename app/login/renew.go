package login

import (
	"context"
	"errors"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// renew uses the refresh token and keeps the next one. One process at a time does: the lock is held from reading the token to
// keeping its successor.
func (s *Session) renew(ctx context.Context) error {
	lock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.release()
	account, err := s.reload()
	if err != nil {
		return err
	}
	if account.User == "" || !account.EndedAt.IsZero() || account.Machine != s.c.Machine {
		return signedOut(account)
	}
	var refused error
	for range 2 { // a second time, because another process may have used the token, or the answer was not what it seemed
		refused, err = s.renewOnce(ctx, account)
		if refused == nil {
			return err
		}
	}
	s.c.Logger.Warn("sign-in ended by the server", "user", account.User)
	return s.ended(ctx, account, refused)
}

// renewOnce returns refused when the server says that the token is not good, and err for what else went wrong.
func (s *Session) renewOnce(ctx context.Context, account config.Account) (refused, err error) {
	kept, err := s.vault.load(account.Server)
	if errors.Is(err, errNoSecret) {
		s.change(func() { s.missing = true })
		return nil, signedOut(account)
	}
	if err != nil {
		return nil, err
	}
	asked := s.c.Now()
	got, err := s.server(account.Server).renew(ctx, kept.Token)
	if errors.Is(err, errGrant) {
		return err, nil
	}
	if err != nil {
		return nil, err
	}
	s.keep(account, kept.next(got.Refresh), got, asked)
	return nil, nil
}

func (s *Session) server(address string) server { return server{s.web, address, s.c.Now} }

// keep puts away what the server gave. What cannot be put away is kept in memory and tried again with the next token.
func (s *Session) keep(account config.Account, refresh secret, got grant, asked time.Time) {
	if err := s.vault.save(refresh); err != nil {
		s.c.Logger.Error("sign-in cannot be kept on this machine", "error", err)
	}
	s.put(newAccess(got.Access, asked, got.Seconds))
	s.change(func() { s.account, s.missing = account, false })
}

// reload reads who is signed in: another process may have signed in or out.
func (s *Session) reload() (config.Account, error) {
	account, damaged, err := s.accountFile().Load()
	if err != nil {
		return account, err
	}
	if damaged != nil {
		s.c.Logger.Error("account file damaged", "error", damaged)
	}
	s.mu.Lock()
	other := account != s.account
	s.mu.Unlock()
	if other {
		s.put(access{})
		s.change(func() { s.account, s.missing = account, false })
	}
	return account, nil
}

// ended notes that the server has ended the sign-in. The account stays known, so that the same person can sign in again.
func (s *Session) ended(ctx context.Context, account config.Account, why error) error {
	account.EndedAt = s.c.Now().UTC().Round(time.Second)
	err := errors.Join(s.accountFile().Save(account), s.vault.wipe(ctx))
	if err != nil {
		s.c.Logger.Error("the end of a sign-in is not noted", "error", err)
	}
	s.put(access{})
	s.change(func() { s.account = account })
	return signedOut(account).Wrap(why)
}

func signedOut(account config.Account) *app.Error {
	if account.User == "" {
		return app.Errorf(app.CodeSignedOut, op, "Nobody is signed in.").WithHint("Sign in.").Typed("Sign in with `coditect-sync login`.")
	}
	return app.Errorf(app.CodeSignedOut, op, "Sign in again to go on syncing. Changes are recorded meanwhile.").
		WithHint("Sign in.").Typed("Sign in with `coditect-sync login`.")
}
