package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// logLarge is a WAL that nobody gets to reuse, in bytes.
	logLarge = 256 << 20
	// diskLow and diskEmpty are what a disk should have left, in bytes.
	diskLow   = 500 << 20
	diskEmpty = 50 << 20
)

// Surroundings checks where the file lies and what surrounds it, for the doctor: a folder that another program copies
// about, a network file system, the journal mode, the size of the log, the space left, and who else has the file open.
func (f *File) Surroundings(ctx context.Context) []app.Finding {
	list := []app.Finding{
		folderFinding(f.path), volumeFinding(f.path), f.journalFinding(ctx), logFinding(f.path), diskFinding(f.path),
	}
	list = append(list, writableFindings(f.path)...)
	writers, err := OtherWriters(f.path)
	if err != nil {
		return append(list, app.Finding{Check: "writers", Level: app.LevelWarn, Detail: app.AsError("writers", err).Message})
	}
	for _, w := range writers {
		list = append(list, w.finding())
	}
	return list
}

// syncedNames begin the name of a folder that a program copies to other machines.
var syncedNames = []struct{ prefix, program string }{
	{"dropbox", "Dropbox"}, {"onedrive", "OneDrive"}, {"icloud", "iCloud"}, {"mobile documents", "iCloud"},
	{"com~apple~clouddocs", "iCloud"}, {"cloudstorage", "a cloud drive"}, {"google drive", "Google Drive"},
	{"googledrive", "Google Drive"}, {"my drive", "Google Drive"}, {"nextcloud", "Nextcloud"}, {"owncloud", "ownCloud"},
	{"pcloud", "pCloud"}, {"syncthing", "Syncthing"},
}

// syncedMarks lie in the top folder of such a tree.
var syncedMarks = []struct{ name, program string }{
	{".stfolder", "Syncthing"}, {".dropbox", "Dropbox"}, {".dropbox.cache", "Dropbox"}, {".sync", "Resilio Sync"},
}

func folderFinding(path string) app.Finding {
	program := syncedBy(path)
	if program == "" {
		return app.Finding{Check: "folder", Level: app.LevelOK, Detail: "No other program copies the folder of the file about."}
	}
	return app.Finding{Check: "folder", Level: app.LevelWarn,
		Detail: fmt.Sprintf("The file lies in a folder of %s, which copies it while it is being written and can damage it.", program),
		Hint:   "Move it to a folder that only this machine uses; CODITECT Sync keeps the copies."}
}

func syncedBy(path string) (program string) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		name := strings.ToLower(filepath.Base(folder))
		for _, s := range syncedNames {
			if strings.HasPrefix(name, s.prefix) {
				return s.program
			}
		}
		for _, m := range syncedMarks {
			if _, err := os.Lstat(filepath.Join(folder, m.name)); err == nil {
				return m.program
			}
		}
		if folder == filepath.Dir(folder) {
			return ""
		}
	}
}

func volumeFinding(path string) app.Finding {
	kind, err := networkVolume(filepath.Dir(path))
	switch {
	case err != nil:
		return app.Finding{Check: "volume", Level: app.LevelWarn, Detail: "The kind of disk the file lies on could not be told."}
	case kind == "":
		return app.Finding{Check: "volume", Level: app.LevelOK, Detail: "The file lies on a disk of this machine."}
	}
	return app.Finding{Check: "volume", Level: app.LevelWarn,
		Detail: fmt.Sprintf("The file lies on a network or foreign file system (%s), where SQLite's locks do not hold.", kind),
		Hint:   "Move it to a disk of this machine; a network disk is a good target for the copies."}
}

func (f *File) journalFinding(ctx context.Context) app.Finding {
	var journal string
	err := f.withLive(ctx, "doctor", modeRead, func(c *conn) error { return c.one(ctx, "PRAGMA journal_mode", nil, &journal) })
	switch {
	case app.CodeOf(err) == app.CodeNotFound:
		return app.Finding{Check: "journal", Level: app.LevelBad, Detail: "The file is missing.", Hint: "Restore it, or choose where it is now."}
	case err != nil:
		e := app.AsError("doctor", err)
		return app.Finding{Check: "journal", Level: app.LevelBad, Detail: e.Message, Hint: e.Hint, TypedHint: e.TypedHint}
	case journal == "wal":
		return app.Finding{Check: "journal", Level: app.LevelOK, Detail: "The file is in write-ahead-log mode."}
	}
	return app.Finding{Check: "journal", Level: app.LevelWarn,
		Detail: fmt.Sprintf("The file is in journal mode %q, so changes are not copied.", journal),
		Hint:   "Some program switched it; start the agent again to switch it back."}
}

func logFinding(path string) app.Finding {
	info, err := os.Stat(path + "-wal")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return app.Finding{Check: "log", Level: app.LevelOK, Detail: "The write-ahead log is empty."}
	case err != nil:
		return app.Finding{Check: "log", Level: app.LevelWarn, Detail: "The write-ahead log cannot be looked at."}
	case info.Size() > logLarge:
		return app.Finding{Check: "log", Level: app.LevelWarn,
			Detail: fmt.Sprintf("The write-ahead log has grown to %d MB: some program keeps an old read open.", info.Size()>>20),
			Hint:   "Close programs that have had the file open for long."}
	}
	return app.Finding{Check: "log", Level: app.LevelOK, Detail: fmt.Sprintf("The write-ahead log has %d kB.", (info.Size()+1023)>>10)}
}

// writableFindings tells when the file or its folder cannot be written. Then nothing changes, so that all else may look well.
func writableFindings(path string) []app.Finding {
	for _, place := range []string{path, filepath.Dir(path)} {
		switch err := mayWrite(place); {
		case isReadOnlySystem(err):
			return []app.Finding{{Check: "disk", Level: app.LevelBad,
				Detail: fmt.Sprintf("The disk of %s can only be read.", path), Hint: "Mount it for writing."}}
		case errors.Is(err, fs.ErrPermission):
			return []app.Finding{{Check: "disk", Level: app.LevelBad,
				Detail: fmt.Sprintf("This account may not write %s.", place), Hint: "Give it the right to write the file and its folder."}}
		}
	}
	return nil
}

func diskFinding(path string) app.Finding {
	free, err := diskFree(filepath.Dir(path))
	if err != nil {
		return app.Finding{Check: "disk", Level: app.LevelWarn, Detail: "The space left on the disk could not be told."}
	}
	found := app.Finding{Check: "disk", Level: app.LevelOK, Detail: fmt.Sprintf("The disk of the file has %d MB left.", free>>20)}
	if free < diskLow {
		found.Level, found.Hint = app.LevelWarn, "Free some space."
	}
	if free < diskEmpty {
		found.Level = app.LevelBad
	}
	return found
}
