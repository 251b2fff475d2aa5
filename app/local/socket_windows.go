package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strings"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"

	"github.com/coditect-ai/coditect-sync/app"
)

// SocketPath is the name of the pipe the agent of home listens on.
func SocketPath(home string) string { return pipeName("coditect-sync-", home) }

// WindowSocketPath is the name of the pipe the window of home listens on.
func WindowSocketPath(home string) string { return pipeName("coditect-sync-window-", home) }

func pipeName(prefix, home string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(filepath.Clean(home))))
	return `\\.\pipe\` + prefix + hex.EncodeToString(sum[:8])
}

// Listen makes the named pipe at path. Its access list has this user alone and nobody from the network. The caller
// holds the home's Lock; CodeBusy when the pipe is there already.
func Listen(path string) (net.Listener, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, listenFailed(path, err)
	}
	sddl := "D:P(D;;GA;;;NU)(A;;GA;;;" + user.User.Sid.String() + ")"
	ln, err := winio.ListenPipe(path, &winio.PipeConfig{SecurityDescriptor: sddl})
	if errors.Is(err, fs.ErrPermission) {
		return nil, app.Errorf(app.CodeBusy, "listen", "CODITECT Sync already answers on %s.", path).Wrap(err)
	}
	if err != nil {
		return nil, listenFailed(path, err)
	}
	return ln, nil
}

func listenFailed(path string, err error) error {
	return app.Errorf(codeOfFile(err), "listen", "The pipe %s cannot be made.", path).Wrap(err)
}

// dial lets the server identify us but not act as us: another program may have made a pipe of this name first.
func dial(ctx context.Context, path string) (net.Conn, error) {
	const access = windows.GENERIC_READ | windows.GENERIC_WRITE
	return winio.DialPipeAccessImpLevel(ctx, path, access, winio.PipeImpLevelIdentification)
}

// checkPeer accepts everybody the pipe's access list lets in, which is this user alone.
func checkPeer(net.Conn) error { return nil }

// nobodyListens tells that err of dial means that no agent runs.
func nobodyListens(err error) bool { return errors.Is(err, fs.ErrNotExist) }
