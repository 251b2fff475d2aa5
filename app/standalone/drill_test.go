package standalone

import (
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestProofFromTheFutureIsDueAtOnce(t *testing.T) {
	now := time.Now()
	k := &Keeper{cfg: KeeperConfig{Now: func() time.Time { return now }}}
	s := &shipper{session: &session{k: k}, outlet: &outlet{target: &Target{}}}
	d := app.Drill{OK: true, TXID: "0000000000000001", At: now.Add(-time.Hour)}
	s.status.drilled(d, s.nextDrill(d))
	if due := s.drillDue(); due <= 0 {
		t.Fatalf("due in %s right after one that passed", due)
	}
	now = now.Add(-365 * 24 * time.Hour)
	if due := s.drillDue(); due > 0 {
		t.Errorf("the clock was put right, the next test restore is due in %s", due)
	}
}
