package agent

import (
	"io/fs"

	"golang.org/x/sys/windows"

	"github.com/coditect-ai/coditect-sync/app"
)

// diskFree is what this user may still write at dir, in bytes.
func diskFree(dir string) (int64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, app.Errorf(app.CodeNotFound, "disk", "The folder %s cannot be read.", dir).
			WithHint("Make it, or give this account the right to read it.").Wrap(err)
	}
	return int64(free), nil
}

// allocated is what a file takes of its disk, in bytes.
func allocated(info fs.FileInfo) int64 { return info.Size() }
