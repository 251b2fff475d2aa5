package sqlite

import (
	"fmt"
	"os"

	"github.com/coditect-ai/coditect-sync/app"
)

// Writer is another process that has the file open.
type Writer struct {
	PID    int
	Name   string
	SQLite string // the version of its SQLite, "" when it cannot be told
}

// Harmful tells whether the writer's SQLite can damage a file in WAL mode: every version before 3.51.3 but for 3.50.7
// and 3.44.6 and what follows them in their lines. False when the version is unknown.
func (w Writer) Harmful() bool {
	major, minor, patch, ok := parseVersion(w.SQLite)
	switch {
	case !ok || major != 3 || minor > 51:
		return false
	case minor == 51:
		return patch < 3
	case minor == 50:
		return patch < 7
	case minor == 44:
		return patch < 6
	}
	return true
}

func parseVersion(s string) (major, minor, patch int, ok bool) {
	n, err := fmt.Sscanf(s, "%d.%d.%d", &major, &minor, &patch)
	return major, minor, patch, err == nil && n == 3
}

// OtherWriters lists the other processes that have the file at path open, as far as this account may see (Linux only;
// elsewhere the list is empty). It reads the programs of those processes to find the version of their SQLite, which
// takes up to a second for a large one.
func OtherWriters(path string) ([]Writer, error) {
	pids, err := openedBy(path)
	if err != nil {
		return nil, classify("writers", path, err)
	}
	var list []Writer
	for _, pid := range pids {
		if pid != os.Getpid() {
			list = append(list, Writer{pid, processName(pid), sqliteOf(pid)})
		}
	}
	return list, nil
}

func (w Writer) finding() app.Finding {
	switch {
	case w.Harmful():
		return app.Finding{Check: "writers", Level: app.LevelBad,
			Detail: fmt.Sprintf("%s (process %d) writes with SQLite %s, which can damage files.", w.Name, w.PID, w.SQLite),
			Hint:   "Update it to SQLite 3.51.3 or newer."}
	case w.SQLite == "":
		return app.Finding{Check: "writers", Level: app.LevelOK,
			Detail: fmt.Sprintf("%s (process %d) has the file open; its SQLite version cannot be told.", w.Name, w.PID)}
	}
	return app.Finding{Check: "writers", Level: app.LevelOK,
		Detail: fmt.Sprintf("%s (process %d) has the file open with SQLite %s.", w.Name, w.PID, w.SQLite)}
}
