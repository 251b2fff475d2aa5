package local_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// roleVar makes the test binary another program: "agent LOCK SOCKET", "client SOCKET" or "knock SOCKET".
const roleVar = "LOCAL_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "agent":
		os.Exit(agent(os.Args[1], os.Args[2]))
	case "client":
		os.Exit(client(os.Args[1]))
	case "knock":
		os.Exit(knock(os.Args[1]))
	}
	os.Exit(m.Run())
}

// agent serves until it is killed. It says "ready" once it listens.
func agent(lock, socket string) int {
	if _, err := local.Lock(lock); err != nil {
		fmt.Println(err)
		return 1
	}
	ln, err := local.Listen(socket)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	_ = local.NewServer(local.Config{Service: &apptest.FakeService{}, Version: "child"}).Serve(ln)
	return 0
}

// client asks for the status and prints the code of the error, or "ok".
func client(socket string) int {
	_, err := local.NewClient(socket, "child").Status(context.Background())
	if err == nil {
		fmt.Println("ok")
		return 0
	}
	fmt.Println(app.CodeOf(err), err)
	return 1
}

// knock asks for the status without a look at who answers, and prints the reply.
func knock(socket string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Fprintf(conn, "GET /v1/status HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", local.Host)
	_, _ = io.Copy(os.Stdout, conn)
	return 0
}

// socketPath is short enough for every system.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cs") //nolint:usetesting // t.TempDir has the test's name in it and is too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return local.SocketPath(filepath.Join(dir, "h"))
}

func listen(t *testing.T, socket string) net.Listener {
	t.Helper()
	ln, err := local.Listen(socket)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	return ln
}

// serve answers for svc until the test ends, or until the returned func is called.
func serve(t *testing.T, socket string, cfg local.Config) (stop func()) {
	t.Helper()
	if cfg.Version == "" {
		cfg.Version = "1.0.0"
	}
	return run(t, listen(t, socket), local.NewServer(cfg))
}

func run(t *testing.T, ln net.Listener, srv *local.Server) (stop func()) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func wantCode(t *testing.T, err error, code app.Code) *app.Error {
	t.Helper()
	if app.CodeOf(err) != code {
		t.Fatalf("code %q (%v), want %q", app.CodeOf(err), err, code)
	}
	return app.AsError("", err)
}
