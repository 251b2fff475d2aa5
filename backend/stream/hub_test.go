package stream

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
)

// A commit that comes after a session has read the log, and before the hub knows which buckets it found there, is not lost:
// nothing else may come for hours.
func TestNewsBetweenReadingAndWatching(t *testing.T) {
	h := hub{sleepers: map[*sleeper]bool{}}
	s, err := h.join(1)
	if err != nil {
		t.Fatal(err)
	}
	woken := func() bool {
		select {
		case <-s.wake:
			return true
		default:
			return false
		}
	}
	head := func(seq int64) oplog.Head { return oplog.Head{Epoch: 1, Seq: seq} }
	h.watch(s, head(5), map[string]bool{"mine": true}, nil, [2]string{})
	h.tell(oplog.News{Epoch: 1, Seq: 7, Buckets: []string{"shared"}})
	if woken() {
		t.Error("woken for a bucket that it did not know of")
	}
	h.watch(s, head(6), map[string]bool{"mine": true, "shared": true}, nil, [2]string{}) // it read the log before that commit
	if !woken() {
		t.Error("what came to the new bucket meanwhile was lost")
	}
	h.watch(s, head(7), map[string]bool{"mine": true, "shared": true}, nil, [2]string{})
	if woken() {
		t.Error("woken although it has read all there is")
	}
}
