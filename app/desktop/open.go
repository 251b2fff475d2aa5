package desktop

import (
	"os/exec"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// openWithin is how long the system's opener may take to say that it cannot. Some run for as long as what they opened.
const openWithin = 3 * time.Second

// OpenFile shows a file in the program that this person reads such files with. It blocks for at most 3 seconds; what was
// opened goes on when this program ends. The error's hint names the file.
func OpenFile(path string) error {
	if err := launch(opener(path)); err != nil {
		return app.Errorf(app.CodeFailed, "open", "No program opens this file here.").WithHint("It is %s.", path).Wrap(err)
	}
	return nil
}

// launch starts what outlives the call, and returns why it did not go on.
func launch(cmd *exec.Cmd) error {
	cmd.SysProcAttr = apart()
	ended := make(chan error, 1)
	err := cmd.Start()
	if err == nil {
		go func() { ended <- cmd.Wait() }() // ends with the opener
		select {
		case err = <-ended:
		case <-time.After(openWithin):
		}
	}
	return err
}

func command(name string, args ...string) *exec.Cmd {
	return exec.Command(name, args...) //nolint:noctx // what a person reads is not ended by us
}
