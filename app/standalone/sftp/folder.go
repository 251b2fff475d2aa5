// Package sftp keeps files in a folder of another computer, over SSH. It is the only importer of the SFTP and SSH
// libraries, and knows nothing of what the files are.
//
// The server must be one that this machine knows (~/.ssh/known_hosts); nothing is ever added there. Keys are those of the
// ssh agent, then ~/.ssh/id_ed25519, id_ecdsa and id_rsa; there are no passwords. ~/.ssh/config is not read.
//
// One connection serves everybody. It ends when nothing moves on it for a while, and with it what is under way at a
// server that went silent; whoever needs it next makes a new one. What is asked over a connection that broke is asked
// once more, but for the content of a file on its way up, which only its source can begin again.
//
// A file appears whole or not at all: it is written beside its name, made durable where the server can (fsync), and
// renamed. A file that must be made once is written beside its name, too, and linked, which fails where the name is.
package sftp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Config says which folder of which server, and what to believe and show.
type Config struct {
	User, Host, Port string
	// Root is the folder's absolute path at the server.
	Root string
	// KnownHosts are the files of the servers that are known, KeyFiles those of private keys; missing ones are passed over.
	KnownHosts, KeyFiles []string
	// Agent is the socket of an ssh agent; empty means none.
	Agent string
	// Dial makes the connection. It decides how long a silent server is waited for.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Own is what this user's ssh would believe and show.
func (c Config) Own() Config {
	home, err := os.UserHomeDir()
	if err != nil {
		if u, userErr := user.Current(); userErr == nil {
			home = u.HomeDir
		}
	}
	own := filepath.Join(home, ".ssh")
	c.KnownHosts = []string{filepath.Join(own, "known_hosts"), filepath.Join(own, "known_hosts2"), "/etc/ssh/ssh_known_hosts"}
	c.KeyFiles = []string{filepath.Join(own, "id_ed25519"), filepath.Join(own, "id_ecdsa"), filepath.Join(own, "id_rsa")}
	c.Agent = os.Getenv("SSH_AUTH_SOCK")
	return c
}

// Folder is a folder of another computer. Its methods may be called from several goroutines. They block and honour ctx. A
// missing file is fs.ErrNotExist, and what else is known a *Fault.
type Folder struct {
	cfg     Config
	running sync.WaitGroup

	mu   sync.Mutex
	conn *connection
}

// New prepares a folder. Nothing is asked before it is used.
func New(cfg Config) *Folder { return &Folder{cfg: cfg} }

// Close ends the connection.
func (f *Folder) Close() error {
	f.mu.Lock()
	c := f.conn
	f.mu.Unlock()
	if c != nil {
		c.end()
	}
	f.running.Wait()
	return nil
}

func (f *Folder) name(key string) string { return path.Join(f.cfg.Root, key) }

// connection is one login.
type connection struct {
	files *sftp.Client
	shell *ssh.Client
	wire  net.Conn
}

// end breaks the connection; what is under way on it fails as lost.
func (c *connection) end() { _ = c.wire.Close() }

// use does op over a connection, and once more over a new one where the connection was lost.
func (f *Folder) use(ctx context.Context, op func(*sftp.Client) error) error {
	for again := false; ; again = true {
		c, err := f.connect(ctx)
		if err != nil {
			return err
		}
		err = c.during(ctx, func() error { return op(c.files) })
		if !errors.Is(err, errLost) {
			return err
		}
		f.leave(c)
		if again {
			return err
		}
	}
}

// leave makes the next one who needs a connection make a new one.
func (f *Folder) leave(c *connection) {
	c.end()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn == c {
		f.conn = nil
	}
}

// during ends the connection when ctx ends before op does: nothing else ends a request.
func (c *connection) during(ctx context.Context, op func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, c.end)
	defer stop()
	err := known(op())
	if errors.Is(err, errLost) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (f *Folder) connect(ctx context.Context) (*connection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		return f.conn, nil
	}
	c, err := f.login(ctx)
	if err != nil {
		return nil, err
	}
	f.conn = c
	f.running.Go(func() {
		_ = c.files.Wait() // until it breaks, for whatever reason
		f.leave(c)
		_ = c.shell.Close()
	})
	return c, nil
}

// loginTimeout bounds the handshakes.
const loginTimeout = 20 * time.Second

func (f *Folder) login(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	addr := net.JoinHostPort(f.cfg.Host, f.cfg.Port)
	wire, err := f.cfg.Dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &connection{wire: wire}
	stop := context.AfterFunc(ctx, c.end)
	defer stop()
	if err := c.shake(f.cfg, addr); err != nil {
		c.end()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if fault, ok := errors.AsType[*Fault](err); ok {
			fault.Host, fault.Known = f.cfg.Host, knownhosts.Normalize(addr)
		}
		return nil, err
	}
	return c, nil
}

// shake proves both sides to each other and begins to speak of files.
func (c *connection) shake(cfg Config, addr string) error {
	proof, err := newProof(cfg, addr)
	if err != nil {
		return err
	}
	defer proof.close()
	conn, channels, requests, err := ssh.NewClientConn(c.wire, addr, proof.config(cfg.User))
	if err != nil {
		return proof.why(err)
	}
	c.shell = ssh.NewClient(conn, channels, requests)
	c.files, err = sftp.NewClient(c.shell, sftp.UseConcurrentWrites(true))
	if err != nil {
		_, _, aliveErr := c.shell.SendRequest("keepalive@openssh.com", true, nil) // it need not know this to answer
		_ = c.shell.Close()
		if aliveErr != nil {
			return errors.Join(io.ErrUnexpectedEOF, err, aliveErr)
		}
		return &Fault{Kind: NoSFTP, Err: err}
	}
	return nil
}
