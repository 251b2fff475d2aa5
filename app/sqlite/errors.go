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
	message, hint string
}

// failures says in words what each primary result code means for the file.
var failures = map[int]failure{
	lib.SQLITE_NOTADB:   {app.CodeDamaged, "The beginning of the file is not that of a SQLite database.", "Restore it from a copy."},
	lib.SQLITE_CORRUPT:  {app.CodeDamaged, "The file is damaged: SQLite cannot read all of it.", "Restore it from a copy."},
	lib.SQLITE_BUSY:     {app.CodeBusy, "Another program holds the file locked.", "Try again when it has finished writing."},
	lib.SQLITE_LOCKED:   {app.CodeBusy, "The file is in use.", "Try again in a moment."},
	lib.SQLITE_PROTOCOL: {app.CodeBusy, "Other programs kept the file locked.", "Try again in a moment."},
	lib.SQLITE_FULL:     {app.CodeNoSpace, "The disk of the file is full.", "Free some space and try again."},
	lib.SQLITE_READONLY: {app.CodeDenied, "The file or its folder cannot be written.", "Give this account the right to write both."},
	lib.SQLITE_PERM:     {app.CodeDenied, "The system does not permit access to the file.", "Give this account the right to read and write it."},
	lib.SQLITE_CANTOPEN: {app.CodeDenied, "The file could not be opened.", "Check that this account may read and write the file and its folder."},
	lib.SQLITE_IOERR:    {app.CodeFailed, "The disk reported an error while the file was read or written.", "Check the disk."},
	lib.SQLITE_NOMEM:    {app.CodeFailed, "There is not enough memory.", ""},
}

// classify turns err into an *app.Error. An *app.Error passes unchanged, nil stays nil.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*app.Error](err); ok {
		return e
	}
	if f, ok := failures[primary(err)]; ok {
		return (&app.Error{Code: f.code, Op: op, Message: f.message, Hint: f.hint}).Wrap(err)
	}
	return classifySystem(op, err)
}

func classifySystem(op string, err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), primary(err) == lib.SQLITE_INTERRUPT:
		return app.Errorf(app.CodeCanceled, op, "It was stopped before it was done.").Wrap(err)
	case errors.Is(err, fs.ErrNotExist):
		return app.Errorf(app.CodeNotFound, op, "The file is no longer where it was.").Wrap(err)
	case errors.Is(err, fs.ErrPermission), isReadOnlySystem(err):
		return app.Errorf(app.CodeDenied, op, "The system does not permit access to the file.").Wrap(err)
	case isNoSpace(err):
		return app.Errorf(app.CodeNoSpace, op, "The disk of the file is full.").
			WithHint("Free some space and try again.").Wrap(err)
	}
	return app.Errorf(app.CodeFailed, op, "SQLite could not do it.").Wrap(err)
}
