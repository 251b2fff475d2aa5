//go:build unix

package agent

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coditect-ai/coditect-sync/app"
)

// diskFree is what this user may still write at dir, in bytes.
func diskFree(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, app.Errorf(app.CodeNotFound, "disk", "The folder %s cannot be read.", dir).
			WithHint("Make it, or give this account the right to read it.").Wrap(err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // the types differ between systems
}

// allocated is what a file takes of its disk, in bytes; holes take nothing.
func allocated(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return 0
}
