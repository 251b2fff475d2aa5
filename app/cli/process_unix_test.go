//go:build unix

package cli

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

func alive(p *os.Process) bool { return p.Signal(syscall.Signal(0)) == nil }

// runsHere tells whether a process was started with a home below dir: a pid may belong to somebody else by now.
func runsHere(pid int, dir string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && (bytes.Contains(line, []byte(dir)) || bytes.Contains(env, []byte(dir)))
}
