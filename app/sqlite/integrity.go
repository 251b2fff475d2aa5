package sqlite

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
	lib "modernc.org/sqlite/lib"
)

// integrity runs integrity_check up to the first problem. Some files need what only their own program has: a sort order,
// a function, a tokenizer. SQLite cannot check such a file as a whole, so its tables are checked one by one, and one that
// cannot be checked is read from end to end.
func (r *raw) integrity(ctx context.Context) error {
	err := r.verdict(ctx, "PRAGMA integrity_check(1)")
	if primary(err) != lib.SQLITE_ERROR {
		return err
	}
	names, err := r.texts(ctx, dataTablesQuery)
	if err != nil {
		return err
	}
	for _, name := range names {
		err := r.verdict(ctx, "PRAGMA integrity_check("+quoted(name)+")")
		if primary(err) == lib.SQLITE_ERROR {
			_, err = r.hashTable(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *raw) verdict(ctx context.Context, query string) error {
	verdict, err := r.texts(ctx, query)
	if err != nil {
		return err
	}
	if verdict[0] != "ok" {
		return app.Errorf(app.CodeDamaged, "check", "The file %s is damaged: %s.", r.path, verdict[0]).WithHint("Restore it from a copy.")
	}
	return nil
}
