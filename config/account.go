package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Account is the account that a home is, or was, signed in to. No secret is in it.
type Account struct {
	// Server is the address that the account is at, without a slash at the end.
	Server string `json:"server"`
	// Issuer is the identity provider that the person signed in at.
	Issuer string `json:"issuer,omitempty"`
	User   string `json:"user"`   // the person's id at the server
	Tenant string `json:"tenant"` // never shown
	Email  string `json:"email,omitempty"`
	Name   string `json:"name,omitempty"`
	// Machine is the id that this installation has at the server.
	Machine    string    `json:"machine"`
	SignedInAt time.Time `json:"signed_in_at"`
	// EndedAt is when the server ended the sign-in; zero while it goes on.
	EndedAt time.Time `json:"ended_at,omitzero"`
}

// Who is how the person is called where a person reads it: the address, else the name, else the id.
func (a Account) Who() string {
	for _, name := range []string{a.Email, a.Name} {
		if name != "" {
			return name
		}
	}
	return a.User
}

// AccountName is the file's name in the home directory.
const AccountName = "account.json"

// AccountFile keeps the Account of a home.
type AccountFile struct{ Home string }

func (f AccountFile) path() string { return filepath.Join(f.Home, AccountName) }

// Load returns the account, and the zero value where there is none. A torn or foreign file is moved aside and damaged says
// so.
func (f AccountFile) Load() (account Account, damaged *app.Error, err error) { return f.store().load() }

// Save replaces the account; it survives a crash or a power cut at any moment.
func (f AccountFile) Save(account Account) error { return f.store().save(account) }

// Remove forgets the account.
func (f AccountFile) Remove() error {
	if err := os.Remove(f.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError("forget the account", f.path(), err)
	}
	return nil
}

func (f AccountFile) store() store[Account] {
	return store[Account]{path: f.path(), kind: "coditect-sync account", version: 1, check: func(a Account) error {
		if a.Server == "" || a.User == "" || a.Machine == "" {
			return errForeign
		}
		return nil
	}}
}
