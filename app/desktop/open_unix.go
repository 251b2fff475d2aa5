//go:build unix && !darwin

package desktop

import (
	"os/exec"
	"syscall"
)

func opener(path string) *exec.Cmd { return command("xdg-open", path) }

// browser is the same: it knows what an address is.
func browser(address string) *exec.Cmd { return command("xdg-open", address) }

// apart gives a process a session of its own, which the end of ours does not reach.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
