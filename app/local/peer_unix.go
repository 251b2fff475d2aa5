//go:build unix

package local

import (
	"net"
	"os"
	"syscall"

	"github.com/coditect-ai/coditect-sync/app"
)

// checkPeer asks the kernel who is on the other side of c and returns CodeDenied for anybody but this user, root
// included: what root wants from an agent it can ask as its user.
func checkPeer(c net.Conn) error { return checkPeerIs(c, os.Geteuid()) }

func checkPeerIs(c net.Conn, wanted int) error {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return foreign("The other side of the connection is unknown.")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return foreign("The other side of the connection is unknown.").Wrap(err)
	}
	var uid uint32
	var credErr error
	if err := raw.Control(func(fd uintptr) { uid, credErr = peerUID(int(fd)) }); err != nil {
		return foreign("The other side of the connection is unknown.").Wrap(err)
	}
	if credErr != nil {
		return foreign("The other side of the connection is unknown.").Wrap(credErr)
	}
	if int(uid) != wanted {
		return foreign("The other side of the connection is another user.")
	}
	return nil
}

func foreign(sentence string) *app.Error {
	return app.Errorf(app.CodeDenied, "connect", "%s", sentence).
		WithHint("The agent and its commands must run as the same user.")
}
