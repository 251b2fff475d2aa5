package standalone

import (
	"os"
	"path/filepath"
)

// logRemoved tells that the -wal or -shm file of a database that this process has open was removed: other programs have
// made new ones by now, and each side writes where the other does not look. A database that was itself removed or
// replaced is another matter. The kernel is asked for our own descriptors, because SQLite does not say what it has open.
func logRemoved(dbPath string) bool {
	real, err := filepath.EvalSymlinks(dbPath)
	if err != nil {
		return false
	}
	open := ownFiles()
	return open[real] && (open[real+"-wal"+removed] || open[real+"-shm"+removed])
}

// removed is what the kernel puts behind the name of a file that has none any more.
const removed = " (deleted)"

// ownFiles are the names behind this process's descriptors.
func ownFiles() map[string]bool {
	const own = "/proc/self/fd"
	entries, err := os.ReadDir(own)
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	for _, e := range entries {
		if name, err := os.Readlink(filepath.Join(own, e.Name())); err == nil { // else closed meanwhile
			names[name] = true
		}
	}
	return names
}
