package cloud

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// TestEndedBetweenPushAndCheckpoint: an engine that begins with nothing to send, and changes that the stream has not come to,
// asks for a write checkpoint under the name that the stream was opened for. Under another one it would never be told of it.
func TestEndedBetweenPushAndCheckpoint(t *testing.T) {
	t.Parallel()
	c := cloudtest.New(t)
	d := newDesk(t, c, somebody(t, c, "mira@lumen.works"), "studio")
	d.starts()
	d.proves()
	d.stops()
	d.db.Exec("INSERT INTO decisions(id, decision) VALUES ('d', 'as it was')")
	cfg, err := d.config().ready()
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPusher(cfg, newLink(cfg), newBoard(cfg), newProgressed())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.starts()
	d.sees("SELECT count(*) FROM _coditect_groups", "0")
	if p := d.report().Progress; p != nil && p.Phase == app.PhaseStalled {
		t.Errorf("it stalled: %s", p.Cause)
	}
}
