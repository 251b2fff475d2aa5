package sqlite

import (
	"context"
	"errors"
	"io/fs"

	"github.com/coditect-ai/coditect-sync/app"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// resultCode is SQLite's extended result code in err's chain, 0 if there is none.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	if e, ok := errors.AsType[*rawError](err); ok {
		return e.code
	}
	return 0
}

// primary is the primary result code: the extended ones carry it in their low byte.
func primary(err error) int { return resultCode(err) & 0xff }

type failure struct {
	code          app.Code
	message, hint string // message names the file
}

// failures says in words what each primary result code means for a file.
var failures = map[int]failure{
	lib.SQLITE_NOTADB:   {app.CodeDamaged, "The beginning of %s is not that of a SQLite database.", "Restore it from a copy."},
	lib.SQLITE_CORRUPT:  {app.CodeDamaged, "The file %s is damaged: SQLite cannot read all of it.", "Restore it from a copy."},
	lib.SQLITE_BUSY:     {app.CodeBusy, "Another program holds %s locked.", "Try again when it has finished writing."},
	lib.SQLITE_LOCKED:   {app.CodeBusy, "The file %s is in use.", "Try again in a moment."},
	lib.SQLITE_PROTOCOL: {app.CodeBusy, "Other programs kept %s locked.", "Try again in a moment."},
	lib.SQLITE_FULL:     {app.CodeNoSpace, "The disk of %s is full.", "Free some space and try again."},
	lib.SQLITE_READONLY: {app.CodeDenied, "%s or its folder cannot be written.", "Give this account the right to write both."},
	lib.SQLITE_PERM:     {app.CodeDenied, "The system does not permit access to %s.", "Give this account the right to read and write it."},
	lib.SQLITE_CANTOPEN: {app.CodeDenied, "The file %s could not be opened.", "Check that this account may read and write the file and its folder."},
	lib.SQLITE_IOERR:    {app.CodeFailed, "The disk reported an error while %s was read or written.", "Check the disk."},
	lib.SQLITE_NOMEM:    {app.CodeFailed, "There is not enough memory to work on %s.", "Close other programs and try again."},
}

// classify turns err into an *app.Error about the file at path, or about the one that err names itself. An *app.Error passes unchanged, nil stays nil.
func classify(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*app.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*rawError](err); ok {
		path = e.path
	}
	// Whoever is stopped while waiting for a lock may be told of both.
	stopped := errors.Is(err, context.Canceled) && primary(err) == lib.SQLITE_BUSY
	if f, ok := failures[primary(err)]; ok && !stopped {
		return app.Errorf(f.code, op, f.message, path).WithHint("%s", f.hint).Wrap(err)
	}
	return classifySystem(op, path, err)
}

func classifySystem(op, path string, err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), primary(err) == lib.SQLITE_INTERRUPT:
		return app.Errorf(app.CodeCanceled, op, "It was stopped before it was done.").Wrap(err)
	case errors.Is(err, fs.ErrNotExist):
		return app.Errorf(app.CodeNotFound, op, "%s is no longer where it was.", path).
			WithHint("Restore it, or choose where it is now.").Typed("Restore it, or choose where it is now with `coditect-sync setup`.").Wrap(err)
	case isReadOnlySystem(err):
		return app.Errorf(app.CodeDenied, op, "The disk of %s can only be read.", path).
			WithHint("Mount it for writing.").Wrap(err)
	case errors.Is(err, fs.ErrPermission):
		return app.Errorf(app.CodeDenied, op, "The system does not permit access to %s.", path).
			WithHint("Give this account the right to read and write it.").Wrap(err)
	case isNoSpace(err):
		return app.Errorf(app.CodeNoSpace, op, "The disk of %s is full.", path).
			WithHint("Free some space and try again.").Wrap(err)
	}
	return app.Errorf(app.CodeFailed, op, "SQLite could not work on %s.", path).
		WithHint("The cause is in the log; the doctor looks at the file.").
		Typed("The cause is in the log; `coditect-sync doctor` looks at the file.").Wrap(err)
}
