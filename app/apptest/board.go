package apptest

import (
	"context"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// board shows the newest Status and wakes those who wait for the next.
type board struct {
	mu   sync.Mutex
	last app.Status
	next chan struct{} // closed when last changes
}

func newBoard(first app.Status) *board {
	first.Rev = 1
	return &board{last: first, next: make(chan struct{})}
}

func (b *board) now() app.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

func (b *board) publish(st app.Status) app.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	st.Rev = b.last.Rev + 1
	b.last = st
	close(b.next)
	b.next = make(chan struct{})
	return st
}

// watch waits for a revision newer than since; 0 waits for nothing.
func (b *board) watch(ctx context.Context, since uint64) (app.Status, error) {
	for {
		b.mu.Lock()
		st, next := b.last, b.next
		b.mu.Unlock()
		if since == 0 || st.Rev > since {
			return st, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return st, canceled(ctx, "watch")
		}
	}
}

func canceled(ctx context.Context, op string) error {
	return app.Errorf(app.CodeCanceled, op, "The wait was ended.").Wrap(ctx.Err())
}
