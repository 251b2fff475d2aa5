//go:build unix

package cli

import "syscall"

// detached gives a process a session of its own, which no terminal can end.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
