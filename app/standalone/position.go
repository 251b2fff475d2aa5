package standalone

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// startTries is how often the start of a session is tried while other programs keep beginning the WAL anew under it.
const startTries = 10

// rewriteBuffer is the size of the buffers for rewriting a change, in bytes.
const rewriteBuffer = 256 << 10

// firstCapture makes the first change of a session, one that follows from the last change of the session before.
//
// While a session runs, Litestream's read transaction keeps other programs from beginning the WAL anew before all of it
// is captured. Between sessions nothing does: they may have committed, checkpointed and begun a new WAL. And a read
// transaction that begins while the WAL is wholly checkpointed lets it begin anew once more, under the hands of the
// first capture. Litestream 0.5.18 notices neither reliably: what was committed in between is then missing from the
// replica, or pages of two generations are mixed, and a restore fails its integrity_check (seen within ten kills under
// load). So the last change of the session before must be from the WAL that is there now, else the first change is the
// whole file; and the WAL must be the same one after the first capture, else the capture is thrown away and repeated.
func (s *session) firstCapture(ctx context.Context) error {
	for range startTries {
		s.openDB()
		if err := s.dropUnproved(); err != nil {
			return s.notWritable(err)
		}
		last, whole, err := s.settlePosition(ctx)
		if err != nil {
			return err
		}
		if err := s.unprove(last); err != nil {
			return s.notWritable(err)
		}
		if err := s.db.Open(); err != nil {
			return app.Errorf(app.CodeFailed, "replicate", "The file %s could not be opened for copying.", s.db.Path()).
				WithHint("The cause is in the log. The doctor looks further.").Typed("The cause is in the log. Run `coditect-sync doctor`.").Wrap(err)
		}
		if err := s.capture(ctx); err != nil {
			s.closeDB()
			if isBusy(err) && ctx.Err() == nil {
				s.log.Info("other programs kept the file locked during the first capture; once more")
				continue
			}
			return s.startFailed(err)
		}
		sound, err := s.soundStart(last, whole)
		if err != nil {
			return err
		}
		if sound {
			s.prove()
			return nil
		}
		s.log.Info("other programs began a new log during the first capture; once more")
		s.closeDB()
	}
	return app.Errorf(app.CodeBusy, "replicate", "Other programs write too much to begin copying.").
		WithHint("It is tried again by itself.")
}

// isBusy tells that SQLite waited for the lock of another program in vain.
func isBusy(err error) bool {
	const busy, primary = 5, 0xff // of its result codes
	e, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	return ok && e.Code()&primary == busy
}

func (s *session) notWritable(cause error) error {
	if e := classify("replicate", cause); e.Code != app.CodeFailed {
		return e
	}
	return app.Errorf(app.CodeDenied, "replicate", "The folder %s cannot be written.", s.db.MetaPath()).
		WithHint("Give this account the right to read and write it.").Wrap(cause)
}

// startFailed drops local state that turned out damaged, so that the next try begins with what the target has.
func (s *session) startFailed(err error) error {
	if damagedLocalState(err) {
		if reset := s.resetLocal(err); !errors.Is(reset, errReopen) {
			return reset
		}
	}
	return classify("replicate", err)
}

// soundStart tells whether what was captured after the change last is whole and all of one generation of the WAL, the
// one that is there still.
func (s *session) soundStart(last ltx.TXID, whole bool) (bool, error) {
	pos, err := s.db.Pos()
	if err != nil {
		return false, err
	}
	now, err := walSalts(s.db.WALPath())
	if err != nil {
		return false, err
	}
	for txid := last + 1; txid <= pos.TXID; txid++ {
		h, err := changeHeader(s.db.LTXPath(0, txid, txid))
		if err != nil {
			return false, err
		}
		if saltsOf(h) != now {
			return false, nil
		}
	}
	if whole || pos.TXID == last {
		return true, nil
	}
	h, err := changeHeader(s.db.LTXPath(0, last, last))
	return err == nil && saltsOf(h) == now, err
}

// settlePosition finds the change that the next one follows, here or at the target. whole tells that the next one is
// going to hold the whole file, because there is none before it or the WAL is not the one that was captured.
func (s *session) settlePosition(ctx context.Context) (last ltx.TXID, whole bool, err error) {
	if last, err = s.newestLocal(); err != nil {
		return 0, false, err
	}
	if last, err = s.positionThere(ctx, last); err != nil || last == 0 {
		return 0, true, err
	}
	path := s.db.LTXPath(0, last, last)
	h, err := changeHeader(path)
	if err != nil {
		return last, false, nil //nolint:nilerr // damaged: Litestream reads it next and says so
	}
	now, err := walSalts(s.db.WALPath())
	if err != nil || now == saltsOf(h) {
		return last, false, err
	}
	if s.continues(last, now) {
		return last, false, endAt(path, now)
	}
	s.log.Info("other programs began a new log meanwhile; the next change holds the whole file", "after", last.String())
	return last, true, endAt(path, saltsOf(h))
}

// pagesDiffer tells that the file has pages of another size than a change which is at the target, or waits to be: VACUUM does
// that while the file is not in WAL mode. No chain leads over such a place, so a full copy must come first.
func (s *shipper) pagesDiffer() bool {
	entries, err := os.ReadDir(s.db.LTXLevelDir(0))
	if err != nil {
		return false // there is none before
	}
	for _, e := range entries {
		_, txid, err := ltx.ParseFilename(e.Name())
		if err != nil || txid < s.sentUpTo() {
			continue
		}
		if h, err := changeHeader(s.db.LTXPath(0, txid, txid)); err == nil && int(h.PageSize) != s.db.PageSize() {
			return true
		}
	}
	return false
}

func (s *session) newestLocal() (ltx.TXID, error) {
	_, newest, err := s.db.MaxLTX()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, app.Errorf(app.CodeDenied, "replicate", "The folder %s cannot be read.", s.db.MetaPath()).
			WithHint("Give this account the right to read and write it.").Wrap(err)
	}
	return newest, nil
}

// positionThere takes the position from the target that is furthest, if that is further than last. Of several none is asked
// without need: each finds out by itself whether it can go on from here (see join).
func (s *session) positionThere(ctx context.Context, last ltx.TXID) (ltx.TXID, error) {
	if last == 0 {
		if err := s.forgetJoined(); err != nil {
			return 0, s.notWritable(err)
		}
	}
	var from *shipper
	newest := &ltx.FileInfo{}
	var failed error
	for sh, there := range s.askNewest(ctx, last) {
		switch {
		case there.err != nil:
			failed = cmp.Or(failed, there.err)
		case from == nil, there.file.MaxTXID > newest.MaxTXID && (there.file.Size > 0 || newest.Size == 0), newest.Size == 0 && there.file.Size > 0:
			from, newest = sh, there.file
		}
	}
	if from == nil && failed != nil {
		return 0, classify("replicate", failed)
	}
	if newest.MaxTXID <= last {
		return last, nil
	}
	return newest.MaxTXID, from.takePosition(ctx, newest)
}

// askFor is how long the start of a session waits for one of several targets.
const askFor = 10 * time.Second

type newestThere struct {
	file *ltx.FileInfo
	err  error
}

// askNewest asks for the newest object of each target whose position may count.
func (s *session) askNewest(ctx context.Context, last ltx.TXID) map[*shipper]newestThere {
	if len(s.ships) > 1 {
		limited, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		ctx = limited
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[*shipper]newestThere{}
	for _, sh := range s.ships {
		if len(s.ships) > 1 && last > 0 && !sh.ahead.Load() {
			continue
		}
		wg.Go(func() {
			file, err := sh.newestThere(ctx, last)
			mu.Lock()
			defer mu.Unlock()
			out[sh] = newestThere{file, err}
		})
	}
	wg.Wait()
	return out
}

// newestThere is the newest change at the target, or a full copy that is newer, because the change after it never got
// there. Its number is 0 where the target has nothing. Full copies are asked for only where the position may be taken.
func (s *shipper) newestThere(ctx context.Context, last ltx.TXID) (*ltx.FileInfo, error) {
	changes, err := s.index.list(ctx, 0)
	if err != nil {
		return nil, err
	}
	newest := &ltx.FileInfo{}
	if len(changes) > 0 {
		newest = changes[len(changes)-1]
	}
	onlyNumber := newest.Size == 0 && newest.MaxTXID > 0 // the target cannot be asked
	if onlyNumber || newest.MaxTXID <= last && last > 0 && !s.ahead.Load() {
		return newest, nil
	}
	full, err := s.index.list(ctx, snapshotLevel)
	if err != nil {
		return nil, err
	}
	if maxTXID(full) > newest.MaxTXID {
		newest = full[len(full)-1]
	}
	s.ahead.Store(false)
	return newest, nil
}

// takePosition puts the newest object of the target where Litestream keeps its position. It happens when the local
// state was lost, or the file was set up anew.
func (s *shipper) takePosition(ctx context.Context, newest *ltx.FileInfo) error {
	if err := s.forgetJoined(); err != nil {
		return s.notWritable(err)
	}
	dir := s.db.LTXLevelDir(0)
	if newest.Size == 0 {
		return app.Errorf(app.CodeUnreachable, "replicate", "The storage cannot be asked where the copies end.").WithHint(retryHint)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	r, err := s.index.OpenLTXFile(ctx, newest.Level, newest.MinTXID, newest.MaxTXID, 0, 0)
	if err != nil {
		return classify("replicate", err)
	}
	defer func() { _ = r.Close() }()
	end := newest.MaxTXID
	err = replaceFile(s.db.LTXPath(0, end, end), func(w io.Writer) error {
		if newest.Level == 0 {
			_, err := io.Copy(w, r)
			return err
		}
		out := bufio.NewWriterSize(w, rewriteBuffer)
		return cmp.Or(recode(ltx.NewDecoder(bufio.NewReaderSize(r, rewriteBuffer)), out, func(h *ltx.Header) { h.MinTXID = end }), out.Flush())
	})
	if err != nil {
		return err
	}
	return s.noteJoined()
}

// salts identify a generation of the WAL; zero is that of a WAL that does not exist or is empty.
type salts struct{ a, b uint32 }

func saltsOf(h ltx.Header) salts { return salts{h.WALSalt1, h.WALSalt2} }

// walSalts reads the WAL's header. Opening the WAL is harmless: SQLite's locks are on the database and its -shm file.
func walSalts(path string) (salts, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return salts{}, nil
	} else if err != nil {
		return salts{}, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, litestream.WALHeaderSize)
	if _, err := io.ReadFull(f, head); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return salts{}, nil
	} else if err != nil {
		return salts{}, err
	}
	return salts{binary.BigEndian.Uint32(head[16:]), binary.BigEndian.Uint32(head[20:])}, nil
}

func changeHeader(path string) (ltx.Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return ltx.Header{}, err
	}
	defer func() { _ = f.Close() }()
	dec := ltx.NewDecoder(f)
	err = dec.DecodeHeader()
	return dec.Header(), err
}

// endAt rewrites a change file with the same pages, as one that ends where a WAL with the given salts begins. With the
// salts of the WAL that is there, Litestream goes on from its first frame; with others, it captures the whole file.
func endAt(path string, where salts) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	// The change may be the first copy of a large file, and the ltx package reads and writes in pieces of a few bytes.
	r := bufio.NewReaderSize(in, rewriteBuffer)
	return replaceFile(path, func(f io.Writer) error {
		w := bufio.NewWriterSize(f, rewriteBuffer)
		ending := func(h *ltx.Header) {
			h.WALOffset, h.WALSize = litestream.WALHeaderSize, 0
			h.WALSalt1, h.WALSalt2 = where.a, where.b
		}
		return cmp.Or(recode(ltx.NewDecoder(r), w, ending), w.Flush())
	})
}

// recode writes the same pages under a changed header.
func recode(dec *ltx.Decoder, w io.Writer, change func(*ltx.Header)) error {
	if err := dec.DecodeHeader(); err != nil {
		return err
	}
	enc, err := ltx.NewEncoder(w)
	if err != nil {
		return err
	}
	h := dec.Header()
	change(&h)
	if err := enc.EncodeHeader(h); err != nil {
		return err
	}
	page := make([]byte, h.PageSize)
	for {
		var ph ltx.PageHeader
		err := dec.DecodePage(&ph, page)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = enc.EncodePage(ltx.PageHeader{Pgno: ph.Pgno}, page)
		}
		if err != nil {
			return fmt.Errorf("page %d: %w", ph.Pgno, err)
		}
	}
	if err := dec.Close(); err != nil {
		return err
	}
	enc.SetPostApplyChecksum(dec.Trailer().PostApplyChecksum)
	return enc.Close()
}

// replaceFile writes a file beside path, syncs it and renames it there.
func replaceFile(path string, write func(io.Writer) error) error {
	return replaceFileIf(path, write, func(rename func() error) error { return rename() })
}

// replaceFileIf lets the last step be taken, or not.
func replaceFileIf(path string, write func(io.Writer) error, last func(rename func() error) error) (err error) {
	tmp := path + ".tmp" // Litestream removes such files when it opens
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	renamed := false
	err = last(func() error {
		renamed = true
		return os.Rename(tmp, path)
	})
	if err != nil || !renamed {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncDir(filepath.Dir(path))
}
