package sftp

import (
	"errors"
	"io"

	"github.com/pkg/sftp"
)

// Kind is what a failure means.
type Kind string

// The kinds.
const (
	Unknown       Kind = ""
	UnknownHost   Kind = "unknown host"    // the server is not known; Detail is its key's fingerprint
	ChangedHost   Kind = "changed host"    // the server has another key than the one that is known; Detail is its fingerprint
	RevokedHost   Kind = "revoked host"    // the server has a key that was revoked here; Detail is its fingerprint
	BadKnownHosts Kind = "bad known hosts" // the file of the servers that are known cannot be read
	NoKeys        Kind = "no keys"         // there is no key to show
	LockedKey     Kind = "locked key"      // the only key needs a passphrase; Detail is its file
	KeysRefused   Kind = "keys refused"    // the server lets none of the keys in
	NoSFTP        Kind = "no sftp"         // the server does not speak of files
	Full          Kind = "full"
	NoFolder      Kind = "no folder" // the folder itself is missing
	NotFolder     Kind = "not a folder"
	Exists        Kind = "exists" // what was to be made is there
)

// Fault is a failure whose meaning is known.
type Fault struct {
	Kind   Kind
	Host   string // of the server, where it did not come to a login
	Known  string // by which name the file of the servers has it
	Detail string
	Err    error
}

func (f *Fault) Error() string { return string(f.Kind) + " " + f.Detail + ": " + f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// KindOf is the kind of the Fault in err's chain.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Kind
	}
	return Unknown
}

// errLost is wrapped by what failed because the connection broke.
var errLost = errors.New("the connection was lost")

// known marks what a broken connection did. Everything else is as it is.
func known(err error) error {
	status, ok := errors.AsType[*sftp.StatusError](err)
	lost := ok && (status.FxCode() == sftp.ErrSSHFxConnectionLost || status.FxCode() == sftp.ErrSSHFxNoConnection)
	lost = lost || err != io.EOF && errors.Is(err, io.EOF) //nolint:errorlint // the end of a file is bare; a request that could not be sent wraps it
	if lost || errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, io.ErrClosedPipe) {
		return errors.Join(errLost, io.ErrUnexpectedEOF, err)
	}
	return err
}

// vague tells a failure of which the server says no more than that it is one.
func vague(err error) bool {
	status, ok := errors.AsType[*sftp.StatusError](err)
	return ok && status.FxCode() == sftp.ErrSSHFxFailure
}
