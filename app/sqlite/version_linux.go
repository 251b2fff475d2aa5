package sqlite

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var (
	// A program that contains SQLite contains its source id, and its version as a C string.
	sourceID      = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d:\d\d [0-9a-f]{60}`)
	versionString = regexp.MustCompile(`(?:^|[^0-9A-Za-z.])(3\.\d{1,2}\.\d{1,2})\x00`)
)

const (
	window  = 1 << 20 // read at a time
	overlap = 128     // longer than either pattern
)

// sqliteOf finds the version of the SQLite a process has loaded: in a library of that name, else in the program itself.
func sqliteOf(pid int) string {
	root := filepath.Join("/proc", strconv.Itoa(pid))
	for _, library := range libraries(filepath.Join(root, "maps")) {
		if v := versionIn(filepath.Join(root, "root", library)); v != "" {
			return v
		}
	}
	return versionIn(filepath.Join(root, "exe"))
}

// libraries lists the mapped files that are called after SQLite.
func libraries(maps string) (paths []string) {
	file, err := os.Open(maps)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	seen := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		_, path, found := strings.Cut(lines.Text(), " /")
		path = "/" + path
		if found && isLibrary(path) && !seen[path] {
			seen[path] = true
			paths = append(paths, path)
		}
	}
	return paths
}

// isLibrary keeps databases out that are mapped into memory. A module of Node is called after the system that it is for, and its
// folder after what it is; Node itself has a SQLite too, which is not the one that the module uses.
func isLibrary(path string) bool {
	path = strings.ToLower(path)
	name := filepath.Base(path)
	return strings.Contains(name, "sqlite") && strings.Contains(name, ".so") || strings.Contains(path, "sqlite") && strings.HasSuffix(name, ".node")
}

// versionIn finds the version in a file that contains SQLite: the version string nearest to its source id.
func versionIn(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	var s versionScan
	if err := s.read(file); err != nil {
		return ""
	}
	return s.nearest()
}

type versionScan struct {
	sources  []int64
	versions map[int64]string
}

func (s *versionScan) read(r io.Reader) error {
	s.versions = map[int64]string{}
	buf := make([]byte, window+overlap)
	kept, at := 0, int64(0)
	for {
		n, err := io.ReadFull(r, buf[kept:])
		s.look(buf[:kept+n], at)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
		at += int64(len(buf) - overlap)
		kept = copy(buf, buf[len(buf)-overlap:])
	}
}

func (s *versionScan) look(b []byte, at int64) {
	for _, m := range sourceID.FindAllIndex(b, -1) {
		s.sources = append(s.sources, at+int64(m[0]))
	}
	for _, m := range versionString.FindAllSubmatchIndex(b, -1) {
		s.versions[at+int64(m[2])] = string(b[m[2]:m[3]])
	}
}

func (s *versionScan) nearest() (version string) {
	best := int64(-1)
	for at, v := range s.versions {
		for _, source := range s.sources {
			if d := max(at-source, source-at); best < 0 || d < best {
				best, version = d, v
			}
		}
	}
	return version
}
