package cloud

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// What lost a conflict says when it was written and how much later the other version was, where the clocks tell.
func TestALostValueTellsItsTimes(t *testing.T) {
	written := time.Date(2026, 11, 23, 12, 30, 58, 0, time.UTC)
	clock := func(after time.Duration) pushapi.HLC { return pushapi.NewHLC(written.Add(after), 0, "c-1") }
	for _, one := range []struct {
		kind        string
		hlc, winner pushapi.HLC
		why         string
	}{
		{"older", clock(0), clock(6 * time.Second), "The version in use was written 6 s later."},
		{"older", clock(0), clock(90 * time.Minute), "The version in use was written 90 min later."},
		{"older", clock(0), clock(5 * time.Hour), "The version in use was written 5 h later."},
		{"older", clock(0), clock(75 * time.Hour), "The version in use was written 3 days later."},
		{"older", clock(0), clock(0), "It came when the cloud had a newer value."}, // in the same second
		{"older", "", clock(0), "It came when the cloud had a newer value."},       // of a client without a clock
		{app.LostOverwritten, clock(0), clock(2 * time.Second), "This machine wrote 2 s later, without having seen it."},
		{"deleted", clock(0), clock(time.Second), "The row had been deleted."},
		{"unheard of", clock(0), clock(time.Second), "Another version won."},
	} {
		item := lostValue{Number: 7, Column: "decision", Kind: one.kind, Value: json.RawMessage(`"x"`), HLC: one.hlc, Winner: one.winner, At: written.Add(time.Hour)}.item()
		if item.Why != one.why {
			t.Errorf("%s: %q, want %q", one.kind, item.Why, one.why)
		}
		if want := written; one.hlc != "" && !item.At.Equal(want) {
			t.Errorf("%s: written %v", one.kind, item.At)
		}
	}
}
