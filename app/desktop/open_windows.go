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

// browser is the same: it knows what an address is.
func browser(address string) *exec.Cmd { return opener(address) }

// apart gives a process a group of its own, which no Ctrl+C reaches.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}
