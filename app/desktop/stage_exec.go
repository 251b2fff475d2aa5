//go:build darwin || windows

package desktop

import (
	"context"
	"os"
	"os/exec"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// shownWithin limits the program that shows a notice.
const shownWithin = 15 * time.Second

// stage is where notices are shown: a program of the system, which shows a text and tells nothing about clicks.
type stage struct{}

func newStage(Config) *stage { return &stage{} }

// show hands the texts over outside the script, so that nothing in them can be one.
func (s *stage) show(ctx context.Context, n Notice) error {
	ctx, cancel := context.WithTimeout(ctx, shownWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, teller[0], teller[1:]...)
	cmd.Env = append(os.Environ(), "CODITECT_TITLE="+n.Title, "CODITECT_BODY="+n.Body)
	cmd.SysProcAttr = unseen()
	if out, err := cmd.CombinedOutput(); err != nil {
		return app.Errorf(app.CodeFailed, "notify", "The system did not show it: %s", plain(string(out))).Wrap(err)
	}
	return nil
}

// withdraw does nothing: what these systems show goes by itself.
func (s *stage) withdraw(context.Context, Kind) {}

func (s *stage) close() {}
