//go:build unix

package local

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestPeerIsAsked(t *testing.T) {
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	for _, conn := range []net.Conn{near, far} {
		if err := checkPeer(conn); err != nil {
			t.Errorf("this user: %v", err)
		}
		if err := checkPeerIs(conn, os.Geteuid()+1); app.CodeOf(err) != app.CodeDenied {
			t.Errorf("another user: %v", err)
		}
	}
}

func TestUnknownPeerIsRefused(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if err := checkPeer(a); app.CodeOf(err) != app.CodeDenied {
		t.Errorf("a connection without a peer: %v", err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	conn, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := checkPeer(conn); app.CodeOf(err) != app.CodeDenied {
		t.Errorf("a TCP connection: %v", err)
	}
}
