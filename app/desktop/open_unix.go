//go:build unix && !darwin

package desktop

import (
	"os/exec"
	"syscall"
)

func opener(path string) *exec.Cmd { return command("xdg-open", path) }

// apart gives a process a session of its own, which the end of ours does not reach.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
