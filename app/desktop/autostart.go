package desktop

import "path/filepath"

// Autostart starts a program when this person logs in. The zero value is not usable.
type Autostart struct {
	// command is the program's absolute path and its arguments.
	command []string
}

// NewAutostart is for the agent of a home, which program runs. Both are absolute paths.
func NewAutostart(program, home string) Autostart {
	return Autostart{command: []string{program, "agent", "--home", filepath.Clean(home)}}
}

// starts tells whether a command is the agent of the same home, whichever program it names: after an update the program
// may be somewhere else. A person may have put something in front of it, or behind it.
func (a Autostart) starts(command []string) bool {
	want := a.command[1:]
	for i := range command {
		if i+len(want) <= len(command) && equal(command[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

func equal(a, b []string) bool {
	for i := range b {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
