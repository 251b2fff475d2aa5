package sqlite

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestQuiesceWaitsForOperationsAndHoldsNewOnesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &File{}
		leave, err := f.gate.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var quiet, entered bool
		var release func()
		go func() {
			var err error
			if release, err = f.Quiesce(t.Context()); err != nil {
				t.Error(err)
			}
			quiet = true
		}()
		synctest.Wait()
		if quiet {
			t.Fatal("quiet while an operation runs")
		}
		go func() {
			leave, err := f.gate.enter(t.Context())
			if err != nil {
				t.Error(err)
			}
			entered = true
			leave()
		}()
		leave()
		leave() // counts once
		synctest.Wait()
		if !quiet || entered {
			t.Fatalf("quiet %v, entered %v", quiet, entered)
		}
		release()
		release()
		synctest.Wait()
		if !entered {
			t.Fatal("still shut after release")
		}
	})
}

func TestQuiesceOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &File{}
		first, err := f.Quiesce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second := false
		go func() {
			release, err := f.Quiesce(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			second = true
			release()
		}()
		synctest.Wait()
		if second {
			t.Fatal("two at once")
		}
		first()
		synctest.Wait()
		if !second {
			t.Fatal("the second never came")
		}
	})
}

func TestQuiesceThatIsCancelledOpensAgain(t *testing.T) {
	f := &File{}
	leave, err := f.gate.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Quiesce(ctx)
	wantCode(t, err, app.CodeCanceled)
	leave()
	again, err := f.gate.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// A snapshot holds the file open until it is closed.
func TestQuiesceWaitsForSnapshots(t *testing.T) {
	f := adopted(t, 3)
	snap, err := f.Freeze(t.Context(), nothing)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		release, err := f.Quiesce(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		release()
	}()
	if _, err := snap.Hash(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-done:
		t.Error("quiet with an open snapshot")
	default:
	}
	if err := snap.Close(); err != nil {
		t.Error(err)
	}
	<-done
}
