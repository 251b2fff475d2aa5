package standalone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/superfly/ltx"
)

// errSpool is that a full copy cannot be kept here until it is sent.
var errSpool = errors.New("no room beside the local changes")

// snapshot writes a full copy. It is read from the file at once, into one beside the local changes, and sent from there: that
// may take hours, and all the while nobody could checkpoint the log. Where the disk has no room for it, it is sent while it
// is read.
func (s *shipper) snapshot(ctx context.Context) (*ltx.FileInfo, error) {
	info, err := s.sendSpooled(ctx)
	if errors.Is(err, errSpool) {
		s.log.Warn("a full copy is sent while it is read", "error", err)
		err = s.readWholeFile(ctx, func(ctx context.Context, txid ltx.TXID, r io.Reader) error {
			info, err = s.index.WriteLTXFile(ctx, snapshotLevel, 1, txid, r)
			return err
		})
	}
	return info, err
}

func (s *shipper) sendSpooled(ctx context.Context) (*ltx.FileInfo, error) {
	f, err := s.openSpool()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSpool, err)
	}
	defer func() {
		_ = f.Close() // it is sent or of no use
		s.logRemove(os.Remove(f.Name()))
	}()
	var end ltx.TXID
	err = s.readWholeFile(ctx, func(_ context.Context, txid ltx.TXID, r io.Reader) error {
		end = txid
		return refill(f, r)
	})
	if err != nil {
		return nil, err
	}
	return s.index.WriteLTXFile(ctx, snapshotLevel, 1, end, f)
}

// openSpool opens the file for a full copy, where there is room for one: compressed it is hardly larger than the file, and mostly
// much smaller.
func (s *shipper) openSpool() (*os.File, error) {
	fi, err := os.Stat(s.k.cfg.File.Path())
	if err != nil {
		return nil, err
	}
	free, err := diskFree(s.db.MetaPath())
	if err == nil && free < fi.Size()+spoolSpare {
		err = fmt.Errorf("%d MB are left on the disk", mb(free))
	}
	if err != nil {
		return nil, err
	}
	return os.OpenFile(s.spoolPath(s.k.cfg.File.Path()), os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode)
}

// spoolSpare is how many bytes a full copy leaves free.
const spoolSpare = 64 << 20

// spoolPath is where a full copy is until it is sent.
func (p *outlet) spoolPath(db string) string { return p.note(db, "full") }

// refill replaces what is in the file, and leaves it at its beginning. What cannot be written is an errSpool.
func refill(f *os.File, r io.Reader) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", errSpool, err)
	}
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("%w: %w", errSpool, err)
	}
	if _, err := io.Copy(spoolWriter{f}, r); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// spoolWriter tells faults of writing from those of reading.
type spoolWriter struct{ f *os.File }

func (w spoolWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errSpool, err)
	}
	return n, err
}

// readWholeFile gives all pages of the file as they are at a change, as a full copy; again from the beginning when that had to
// give way. The file must not be closed and its WAL not begun anew meanwhile.
func (s *session) readWholeFile(ctx context.Context, take func(ctx context.Context, txid ltx.TXID, r io.Reader) error) error {
	return s.reads.do(ctx, func(ctx context.Context) error {
		if err := s.holdLog(ctx); err != nil {
			return err
		}
		reading, stop := context.WithCancel(ctx)
		defer stop()
		pos, r, err := s.db.SnapshotReader(reading)
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }() // lets checkpoints go on
		err = take(ctx, pos.TXID, r)
		stop()
		_, _ = io.Copy(io.Discard, r) // until nobody reads the file any more, which may be closed next
		return err
	})
}
