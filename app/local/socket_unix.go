//go:build unix

package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coditect-ai/coditect-sync/app"
)

// maxSocketPath is what fits into sun_path with its closing zero.
const maxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// SocketPath is where the agent of home listens: home/run/agent.sock, or a folder of the user in the system's
// temporary folder where that is too long for a socket.
func SocketPath(home string) string { return socketPath(home, "agent.sock", ".sock") }

// WindowSocketPath is where the window of home listens, beside the agent's socket.
func WindowSocketPath(home string) string { return socketPath(home, "window.sock", "-window.sock") }

func socketPath(home, base, suffix string) string {
	if path := filepath.Join(home, "run", base); len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(filepath.Clean(home)))
	name := filepath.Join(fmt.Sprintf("coditect-sync-%d", os.Geteuid()), hex.EncodeToString(sum[:8])+suffix)
	if path := filepath.Join(os.TempDir(), name); len(path) <= maxSocketPath {
		return path
	}
	return filepath.Join("/tmp", name)
}

// Listen makes the socket at path (0600) in a folder of its own (0700) and listens on it. The caller holds the home's
// Lock. A socket that nobody answers on is removed; CodeBusy when somebody does, CodeRefused when the folder belongs
// to somebody else, is open to others and cannot be closed, or when something that is not a socket is in the way.
func Listen(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, app.Errorf(app.CodeInvalid, "listen", "The path %s is too long for a socket.", path).
			WithHint("Use a home with a shorter path.")
	}
	if err := privateDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, listenFailed(path, err)
	}
	// Not by umask: it belongs to the whole process, and a folder made by another goroutine meanwhile would come out
	// without its x bit. Nobody else can reach the socket before this line, because of the folder.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(listenFailed(path, err), ln.Close())
	}
	return ln, nil
}

// privateDir makes sure that dir is a real folder of ours that nobody else may enter.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return listenFailed(dir, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return listenFailed(dir, err)
	}
	if !info.IsDir() {
		return app.Errorf(app.CodeRefused, "listen", "%s is not a folder.", dir).WithHint("Move it away.")
	}
	if uid := ownerOf(info); uid != os.Geteuid() {
		return app.Errorf(app.CodeRefused, "listen", "The folder %s belongs to another user (%d).", dir, uid).
			WithHint("Use a home of your own, or remove the folder.")
	}
	if info.Mode().Perm() == 0o700 {
		return nil
	}
	return narrow(dir)
}

// narrow closes dir to others and looks whether that held: some file systems know no modes.
func narrow(dir string) error {
	err := os.Chmod(dir, 0o700)
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Lstat(dir); err == nil && info.Mode().Perm()&0o077 == 0 {
			return nil
		}
	}
	return app.Errorf(app.CodeRefused, "listen", "The folder %s is open to other users and cannot be closed.", dir).
		WithHint("Use a home on a file system that keeps permissions.").Wrap(err)
}

func ownerOf(info fs.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

// removeStale removes a socket that a killed agent left.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return listenFailed(path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return app.Errorf(app.CodeRefused, "listen", "%s is in the way and is not a socket.", path).
			WithHint("Move it away.")
	}
	var d net.Dialer
	conn, err := d.DialContext(context.Background(), "unix", path) // a unix socket answers or refuses at once
	if err == nil {
		_ = conn.Close()
		return app.Errorf(app.CodeBusy, "listen", "CODITECT Sync already answers on %s.", path)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return listenFailed(path, err)
	}
	return os.Remove(path)
}

func listenFailed(path string, err error) error {
	return app.Errorf(codeOfFile(err), "listen", "The socket %s cannot be made.", path).Wrap(err)
}

// dial connects and makes sure that the other side is the same user: in a temporary folder somebody else may have
// been faster.
func dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := checkPeer(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// nobodyListens tells that err of dial means that no agent runs.
func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTDIR)
}
