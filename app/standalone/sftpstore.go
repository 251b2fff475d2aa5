package standalone

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/standalone/sftp"
)

// sftpIdleTimeout is how long nothing may move on a connection: then it ends, idle or not. A slow disk needs some seconds
// to make a large file durable.
const sftpIdleTimeout = 20 * time.Second

// sftpStore keeps objects as files in a folder of another computer. As on a disk the folder itself is made by setup alone.
type sftpStore struct {
	folder *sftp.Folder
	place  string
}

func newSFTPStore(at location, idle time.Duration) *sftpStore {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return &sftpStore{place: at.name(), folder: sftp.New(sftp.Config{
		User: at.user, Host: at.host, Port: at.port, Root: at.path,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &liveConn{Conn: c, idle: idle}, nil
		},
	}.Own())}
}

func (s *sftpStore) fail(need right, key string, err error) error {
	if err == nil {
		return nil
	}
	switch sftp.KindOf(err) {
	case sftp.Exists:
		err = errors.Join(errClaimed, err)
	case sftp.NoFolder:
		err = errors.Join(errNoPlace, err)
	default:
	}
	return &accessError{need: need, place: s.place, key: key, err: err}
}

func (s *sftpStore) put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	size, err := s.folder.Put(ctx, key, at, write)
	return size, s.fail(rightWrite, key, err)
}

func (s *sftpStore) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	return openSteady(offset, size, func(offset, size int64) (io.ReadCloser, error) {
		return s.folder.Open(ctx, key, offset, size)
	}, func(err error) error { return s.fail(rightRead, key, err) })
}

func (s *sftpStore) list(ctx context.Context, dir, from string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		entries, err := s.folder.List(ctx, dir)
		if err != nil {
			yield(object{}, s.fail(rightList, dir, err))
			return
		}
		for _, e := range entries {
			if !e.Dir && e.Name >= from && !yield(object{name: e.Name, size: e.Size, at: e.At}, nil) {
				return
			}
		}
	}
}

func (s *sftpStore) dirs(ctx context.Context, dir string) (names []string, err error) {
	entries, err := s.folder.List(ctx, dir)
	for _, e := range entries {
		if e.Dir {
			names = append(names, e.Name)
		}
	}
	return names, s.fail(rightList, dir, err)
}

func (s *sftpStore) claim(ctx context.Context, key string, content []byte) error {
	return s.fail(rightWrite, key, s.folder.Claim(ctx, key, content))
}

func (s *sftpStore) remove(ctx context.Context, key string) error {
	return s.fail(rightDelete, key, s.folder.Remove(ctx, key))
}

// duplicate gives the object a second name: its content never changes, and a later object of either name is another file.
// Where the server cannot, the object goes down and up again.
func (s *sftpStore) duplicate(ctx context.Context, from, to string) error {
	able, err := s.folder.Link(ctx, from, to)
	if able || err != nil {
		return s.fail(rightWrite, from, err)
	}
	at, err := s.timeOf(ctx, from)
	if err != nil {
		return err
	}
	in, err := s.open(ctx, from, 0, 0)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	_, err = s.put(ctx, to, at, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
	return err
}

func (s *sftpStore) timeOf(ctx context.Context, key string) (time.Time, error) {
	at, err := s.folder.Time(ctx, key)
	return at, s.fail(rightRead, key, err)
}

func (s *sftpStore) create(ctx context.Context) error {
	return s.fail(rightWrite, "", s.folder.Create(ctx))
}

func (s *sftpStore) sweep(ctx context.Context, dir string, before time.Time) (left int, err error) {
	left, err = s.folder.Sweep(ctx, dir, before)
	return left, s.fail(rightDelete, dir, err)
}

func (s *sftpStore) close() error { return s.folder.Close() }

const sshKeysHint = "Put a key of yours on the server with ssh-copy-id, and load it with ssh-add where it has a passphrase. An agent that starts at login has the session's ssh agent or the keys in ~/.ssh without one."

// ofSFTP knows what a server says, and what is known of it.
func ofSFTP(a *accessError, err error) *app.Error {
	f, _ := errors.AsType[*sftp.Fault](err)
	if f == nil {
		return nil
	}
	switch f.Kind {
	case sftp.UnknownHost:
		return app.Errorf(app.CodeRefused, "", "This machine does not know the server %s, which shows the key %s.", f.Host, f.Detail).
			WithHint("Compare it with what the server's owner says. Then connect once with ssh, which adds it to ~/.ssh/known_hosts, and try again.")
	case sftp.ChangedHost:
		return app.Errorf(app.CodeRefused, "", "STOP: %s is not the server that this machine knows by that name. Its key is another (%s): somebody may be reading along.", f.Host, f.Detail).
			WithHint("Nothing was sent. Ask the server's owner. Only if its key was changed on purpose: ssh-keygen -R '%s', then connect once with ssh.", f.Known)
	case sftp.RevokedHost:
		return app.Errorf(app.CodeRefused, "", "STOP: %s shows the key %s, which was revoked on this machine.", f.Host, f.Detail).
			WithHint("Nothing was sent. Ask the server's owner for its new key; ~/.ssh/known_hosts has the line that revokes the old one.")
	case sftp.BadKnownHosts:
		return app.Errorf(app.CodeInvalid, "", "The list of known servers, ~/.ssh/known_hosts, cannot be read.").WithHint("The cause is in the log; ssh-keygen -F HOST reads the file, too.")
	case sftp.NoKeys:
		return app.Errorf(app.CodeDenied, "", "There is no SSH key on this machine to log in with.").WithHint(sshKeysHint)
	case sftp.LockedKey:
		return app.Errorf(app.CodeDenied, "", "The SSH key %s needs its passphrase.", f.Detail).WithHint("Load it with ssh-add, or make a key without one for the copies.")
	case sftp.KeysRefused:
		return app.Errorf(app.CodeDenied, "", "The server %s lets none of this machine's SSH keys in.", f.Host).WithHint(sshKeysHint)
	case sftp.NoSFTP:
		return app.Errorf(app.CodeRefused, "", "The server %s does not speak SFTP.", f.Host).WithHint("Switch it on there: in sshd_config it is `Subsystem sftp internal-sftp`.")
	case sftp.Full:
		return app.Errorf(app.CodeNoSpace, "", "There is no space left on the disk of %s.", a.place).WithHint("Free some, or choose another place.")
	case sftp.NotFolder:
		return app.Errorf(app.CodeInvalid, "", "%s is not a folder.", a.place).WithHint("Name a folder.")
	case sftp.Unknown, sftp.NoFolder, sftp.Exists: // known for what they are elsewhere
	}
	return nil
}

// ofRemote knows what a server does not permit.
func ofRemote(a *accessError, err error) *app.Error {
	if a.need == "" || !errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return app.Errorf(app.CodeDenied, "", "You may not %s in %s.", a.need, a.place).
		WithHint("Give the user you log in as the right to, or choose another place.")
}
