package desktop

import (
	"os/exec"
	"syscall"
)

// opener uses the text editor: a log has no program of its own.
func opener(path string) *exec.Cmd { return command("open", "-t", path) }

func browser(address string) *exec.Cmd { return command("open", address) }

// apart gives a process a session of its own, which the end of ours does not reach.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
