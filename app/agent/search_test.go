package agent_test

import (
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
)

// TestSearchIsFilledAfterTheLastChange: the last of several changes is not forgotten, though filling waits for quiet.
func TestSearchIsFilledAfterTheLastChange(t *testing.T) {
	h := newHome(t)
	var a *agent.Agent
	filled := make(chan string, 100)
	h.file.OnFillSearch = func() {
		if s, err := a.Status(t.Context()); err == nil && s.Standalone != nil {
			filled <- s.Standalone.TXID
		}
	}
	a = h.start()
	h.setup(a)
	h.world.Write(1)
	h.protected(a)
	h.world.Write(1)
	d, err := a.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.await(a, "the last change", func(s app.Status) bool { return s.Standalone.TXID >= d.TXID })
	patience := time.After(time.Minute)
	for {
		select {
		case got := <-filled:
			if got >= d.TXID {
				return
			}
		case <-patience:
			t.Fatal("the search index was not filled after the last change")
		}
	}
}
