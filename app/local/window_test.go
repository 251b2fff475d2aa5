package local_test

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// windowHome is a home whose window answers with f until the test ends.
func windowHome(t *testing.T, f func(view string) error) string {
	t.Helper()
	home := filepath.Dir(filepath.Dir(socketPath(t)))
	ln := listen(t, local.WindowSocketPath(home))
	ended := make(chan error, 1)
	go func() { ended <- local.AnswerShow(ln, f) }()
	t.Cleanup(func() {
		_ = ln.Close()
		if err := <-ended; err != nil {
			t.Errorf("AnswerShow: %v", err)
		}
	})
	return home
}

func TestShowWindow(t *testing.T) {
	var mu sync.Mutex
	var shown []string
	home := windowHome(t, func(view string) error {
		mu.Lock()
		defer mu.Unlock()
		shown = append(shown, view)
		if view == "nowhere" {
			return app.Errorf(app.CodeInvalid, "window", "There is no such view.").WithHint("See the help.")
		}
		return nil
	})
	for _, view := range []string{"", "restore?at=2026-03-01T10:00:00Z"} {
		if err := local.ShowWindow(t.Context(), home, view); err != nil {
			t.Errorf("%q: %v", view, err)
		}
	}
	if e := wantCode(t, local.ShowWindow(t.Context(), home, "nowhere"), app.CodeInvalid); e.Hint != "See the help." {
		t.Errorf("%+v", e)
	}
	if want := []string{"", "restore?at=2026-03-01T10:00:00Z", "nowhere"}; !slices.Equal(shown, want) {
		t.Errorf("shown %q, want %q", shown, want)
	}
}

func TestShowWindowWithoutOne(t *testing.T) {
	wantCode(t, local.ShowWindow(t.Context(), filepath.Join(t.TempDir(), "home"), "home"), app.CodeNotRunning)
}

// TestShowWindowWaits for a window that is starting, and no longer than the caller does.
func TestShowWindowWaits(t *testing.T) {
	started := make(chan struct{})
	home := windowHome(t, func(string) error { <-started; return nil })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantCode(t, local.ShowWindow(ctx, home, "home"), app.CodeBusy)
	time.AfterFunc(50*time.Millisecond, func() { close(started) })
	if err := local.ShowWindow(t.Context(), home, "home"); err != nil {
		t.Error(err)
	}
}

// TestKilledWindow leaves a socket that nobody answers on.
func TestKilledWindow(t *testing.T) {
	home := filepath.Dir(filepath.Dir(socketPath(t)))
	path := local.WindowSocketPath(home)
	if path == local.SocketPath(home) {
		t.Fatal("agent and window share a socket")
	}
	ln := listen(t, path)
	if unix, ok := ln.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, local.ShowWindow(t.Context(), home, "home"), app.CodeNotRunning)
}
