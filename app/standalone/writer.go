package standalone

import (
	"os"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
)

// lockWriter makes this the one engine that works on a database: two home directories may name the same file, and
// Litestream's folder beside it has room for one. Where the folder cannot be written nothing can be captured either, and
// no lock is needed.
func lockWriter(meta string) (release func(), err error) {
	if err := os.MkdirAll(meta, 0o700); err != nil {
		return func() {}, nil //nolint:nilerr // told by who needs the folder
	}
	f, err := os.OpenFile(filepath.Join(meta, "writer.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return func() {}, nil //nolint:nilerr // as above
	}
	held, err := tryLock(f)
	if held {
		_ = f.Close() // nothing was written
		return nil, app.Errorf(app.CodeBusy, "replicate", "Another CODITECT Sync keeps this file safe already.").
			WithHint("Its home directory is another one. Stop it first, or set up another file here.")
	}
	if err != nil { // a file system without locks
		return func() { _ = f.Close() }, nil //nolint:nilerr // as without one
	}
	return func() { _ = f.Close() }, nil
}
