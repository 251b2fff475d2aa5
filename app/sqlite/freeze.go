package sqlite

import (
	"context"
	"errors"

	"github.com/coditect-ai/coditect-sync/app"
)

// Freeze takes the write lock (waiting up to 5 s for it, then CodeBusy), calls mark, opens a read transaction that
// sees exactly what is committed now, and releases the lock. Nothing can be written between mark and the snapshot.
// The caller closes the snapshot soon: while it is open, the WAL cannot be reused.
func (f *File) Freeze(ctx context.Context, mark func() error) (app.Snapshot, error) {
	leave, err := f.gate.enter(ctx)
	if err != nil {
		return nil, classify("freeze", f.path, err)
	}
	reader, err := f.freeze(ctx, mark)
	if err != nil {
		leave()
		return nil, classify("freeze", f.path, err)
	}
	return &snapshot{reader, leave}, nil
}

func (f *File) freeze(ctx context.Context, mark func() error) (_ *raw, err error) {
	reader, err := f.openLiveRaw(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			reader.close()
		}
	}()
	writer, err := f.openLive(ctx, modeWrite)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, writer.Close()) }() // which ends its transaction too
	if err := writer.exec(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return nil, err
	}
	if err := whileBusy(ctx, func() error { return writer.exec(ctx, "BEGIN IMMEDIATE") }); err != nil {
		return nil, err
	}
	if err := mark(); err != nil {
		return nil, err
	}
	err = reader.begin(ctx)
	return reader, err
}

type snapshot struct {
	reader *raw
	leave  func()
}

// Hash hashes every data table as it was when the file was frozen.
func (s *snapshot) Hash(ctx context.Context) ([]app.TableHash, error) {
	hashes, err := s.reader.hashTables(ctx)
	return hashes, classify("hash", s.reader.path, err)
}

// Close ends the read transaction. A second call does nothing.
func (s *snapshot) Close() error {
	if s.reader == nil {
		return nil
	}
	s.reader.close()
	s.reader = nil
	s.leave()
	return nil
}
