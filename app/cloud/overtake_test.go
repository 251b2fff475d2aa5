package cloud

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// late holds the answers to requests for write checkpoints back, as a busy machine or a slow way does.
type late struct{ by time.Duration }

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if strings.HasSuffix(r.URL.Path, "/checkpoint-request") {
		time.Sleep(l.by)
	}
	return answer, err
}

// TestALineThatOvertakesItsAnswer: the stream says that it has come to a write checkpoint before the request for it is
// answered. Nothing else comes on that stream, so what was shut then has to be open by then.
func TestALineThatOvertakesItsAnswer(t *testing.T) {
	c := cloudtest.New(t)
	a := newDesk(t, c, somebody(t, c, "mira@lumen.works"), "studio")
	a.edit = func(config *Config) { config.Transport = late{3 * time.Second} }
	a.starts()
	a.db.Exec("INSERT INTO decisions (id, decision) VALUES ('d1', 'one')")
	a.waits(patience, func() error {
		pushed, err := a.db.TryExec("SELECT count(*) FROM decisions WHERE user_id IS NOT NULL")
		if err != nil || pushed != "1" {
			return fmt.Errorf("%s rows have come back: %w", pushed, err)
		}
		return nil
	})
	if log := a.log.String(); strings.Contains(log, "sync stalled") {
		t.Errorf("it took the ladder: %s", log)
	}
}
