package sqlite

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// openers returns an error that names a process with the file open, this one included.
func openers(path string) error {
	pids, err := openedBy(path)
	if err != nil || len(pids) == 0 {
		return err
	}
	if pids[0] == os.Getpid() {
		return inUse(path, "This program itself")
	}
	return inUse(path, process(pids[0]))
}

// openedBy lists the processes that have the database or one of its side files open, as far as the system lets us
// see. In rollback mode an idle connection holds no lock, so this is the only trace of it.
func openedBy(path string) (pids []int, err error) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	files := newTargets(path)
	for _, entry := range all {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && files.openIn(pid) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// targets are the files that are looked for: by identity, and by name where one was deleted while open.
type targets struct {
	infos []os.FileInfo
	gone  []string
}

func newTargets(path string) (t targets) {
	real := path
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		real = filepath.Join(folder, filepath.Base(path))
	}
	for _, side := range parts {
		if info, err := os.Stat(path + side); err == nil {
			t.infos = append(t.infos, info)
		}
		t.gone = append(t.gone, real+side+" (deleted)")
	}
	return t
}

func (t targets) openIn(pid int) bool {
	folder := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false // it ended, or belongs to another account
	}
	for _, e := range entries {
		if t.is(filepath.Join(folder, e.Name())) {
			return true
		}
	}
	return false
}

func (t targets) is(descriptor string) bool {
	name, err := os.Readlink(descriptor)
	if err != nil || !strings.HasPrefix(name, "/") || strings.HasPrefix(name, "/dev/") {
		return false
	}
	for _, gone := range t.gone {
		if name == gone {
			return true
		}
	}
	info, err := os.Stat(descriptor)
	if err != nil {
		return false
	}
	for _, wanted := range t.infos {
		if os.SameFile(info, wanted) {
			return true
		}
	}
	return false
}

// processName is the name of a process, "" when it cannot be told.
func processName(pid int) string {
	name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}
