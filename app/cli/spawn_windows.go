package cli

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// detached gives a process no console and a group of its own, which no Ctrl+C reaches.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
