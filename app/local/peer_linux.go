package local

import "golang.org/x/sys/unix"

// peerUID is the effective user id the other side had when it connected or began to listen.
func peerUID(fd int) (uint32, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
