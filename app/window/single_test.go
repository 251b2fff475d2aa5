package window

import (
	"context"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// shown are the views that a window was asked for, as a web view would show them.
type shown struct {
	mu    sync.Mutex
	views []string
}

func (s *shown) show(view string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views = append(s.views, view)
}

// answering lets a window answer as its web view does, until the test ends.
func answering(t *testing.T, w *running) *shown {
	t.Helper()
	s, ended := &shown{}, make(chan error, 1)
	ctx, end := context.WithCancel(context.Background())
	go func() { ended <- w.claim.answer(ctx, w.up, s.show) }()
	t.Cleanup(func() {
		end()
		_ = w.claim.ln.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSecondWindowRaisesTheFirst(t *testing.T) {
	home := newHome(t)
	first := opened(t, Config{Home: home})
	s := answering(t, first)
	raised := make(chan error, 1)
	go func() { // while the first is still coming up
		w, err := open(context.Background(), Config{Home: home, View: "restore", Logger: quiet})
		if w != nil {
			t.Error("there are two windows")
		}
		raised <- err
	}()
	close(first.up)
	if err := <-raised; err != nil {
		t.Fatal(err)
	}
	if err := local.ShowWindow(t.Context(), home, "settings/diagnostics"); err != nil {
		t.Error(err)
	}
	if len(s.views) != 2 || s.views[0] != "restore" || s.views[1] != "settings/diagnostics" {
		t.Errorf("%q", s.views)
	}
	if err := local.ShowWindow(t.Context(), home, "');alert(1)"); app.CodeOf(err) != app.CodeInvalid {
		t.Errorf("%v", err)
	}
}

func TestWindowAfterAnother(t *testing.T) {
	home := newHome(t)
	for range 3 {
		w, err := open(t.Context(), Config{Home: home, Logger: quiet})
		if err != nil || w == nil {
			t.Fatalf("%v, %v", w, err)
		}
		w.starter.wait(t.Context())
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestClosingWindow: who asks a window that closes becomes the next one.
func TestClosingWindow(t *testing.T) {
	home := newHome(t)
	first, err := open(t.Context(), Config{Home: home, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	go func() { _ = first.claim.answer(ctx, first.up, func(string) { t.Error("shown") }) }()
	second := make(chan *running, 1)
	go func() {
		w, err := open(context.Background(), Config{Home: home, Logger: quiet})
		if err != nil {
			t.Error(err)
		}
		second <- w
	}()
	end()
	if err := first.close(); err != nil {
		t.Error(err)
	}
	w := <-second
	if w == nil {
		t.Fatal("there is no window")
	}
	w.starter.wait(t.Context())
	if err := w.close(); err != nil {
		t.Error(err)
	}
}

func TestBadViewOpensNothing(t *testing.T) {
	if w, err := open(t.Context(), Config{Home: newHome(t), View: "<b>", Logger: quiet}); app.CodeOf(err) != app.CodeInvalid || w != nil {
		t.Errorf("%v, %v", w, err)
	}
}
