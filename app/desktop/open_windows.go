package desktop

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// opener asks the shell's file handler, which, unlike cmd's start, reads nothing into the path.
func opener(path string) *exec.Cmd {
	return command("rundll32.exe", "url.dll,FileProtocolHandler", path)
}

// apart gives a process a group of its own, which no Ctrl+C reaches.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}
