package sqlite

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// What mark sees is what the snapshot holds, whatever is written before and after.
func TestFreezeHoldsExactlyTheMarkedMoment(t *testing.T) {
	f := adopted(t, 50)
	peers(t, func(t *testing.T, start func(testing.TB, string) *peer) {
		p := start(t, f.path)
		p.exec("UPDATE items SET n = n + 1")
		var marked []app.TableHash
		snap, err := f.Freeze(t.Context(), func() error {
			p.send("UPDATE items SET body = 'later' || random()") // waits for the lock
			marked = check(t, f, "")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.read(p.out); err != nil {
			t.Errorf("the writer that waited: %v", err)
		}
		frozen, err := snap.Hash(t.Context())
		if err != nil || !slices.Equal(frozen, marked) {
			t.Errorf("frozen %v, marked %v, %v", frozen, marked, err)
		}
		if now := check(t, f, ""); slices.Equal(now, frozen) {
			t.Error("the writer changed nothing")
		}
		for range 2 {
			if err := snap.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestFreezeReleasesTheLockWhenMarkFails(t *testing.T) {
	f := adopted(t, 5)
	boom := errors.New("boom")
	_, err := f.Freeze(t.Context(), func() error { return boom })
	if !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	p := startPython(t, f.path)
	p.exec("PRAGMA busy_timeout = 0")
	p.exec("DELETE FROM items")
	release, err := f.Quiesce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestFreezeWaitsForAWriterAndThenSaysBusy(t *testing.T) {
	f := adopted(t, 5)
	p := startPython(t, f.path)
	p.exec("BEGIN IMMEDIATE")
	_, err := f.Freeze(t.Context(), func() error { t.Error("marked without the lock"); return nil })
	wantCode(t, err, app.CodeBusy)
	p.exec("COMMIT")
}

func TestFreezeStopsWaitingWithItsContext(t *testing.T) {
	f := adopted(t, 5)
	p := startPython(t, f.path)
	p.exec("BEGIN IMMEDIATE")
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	_, err := f.Freeze(ctx, func() error { t.Error("marked without the lock"); return nil })
	wantCode(t, err, app.CodeCanceled)
	p.exec("COMMIT")
}
