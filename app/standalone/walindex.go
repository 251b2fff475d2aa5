package standalone

import (
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/benbjohnson/litestream"
)

// walIndex reads the -shm file, where SQLite keeps what is shared between the processes that have a database open. It
// is opened once and closed last: closing it drops this process's locks on it.
type walIndex struct{ f *os.File }

// indexHeader is the part of WalIndexHdr (SQLite's wal.c) that tells how far the WAL is.
type indexHeader struct {
	change uint32 // grows by one with every commit
	frames uint32 // committed frames in the WAL
	salts  salts
}

const indexHeaderSize = 48

// header reads the header. It is written twice; ok is false while the two differ, because a commit is under way.
func (x *walIndex) header() (h indexHeader, ok bool) {
	b := make([]byte, 2*indexHeaderSize)
	if n, err := x.f.ReadAt(b, 0); n < len(b) && err != nil {
		return h, false
	}
	if string(b[:indexHeaderSize]) != string(b[indexHeaderSize:]) {
		return h, false
	}
	// The salts are stored as they are in the WAL, big-endian; all else is in the machine's order.
	return indexHeader{
		change: binary.NativeEndian.Uint32(b[8:]), frames: binary.NativeEndian.Uint32(b[16:]),
		salts: salts{binary.BigEndian.Uint32(b[32:]), binary.BigEndian.Uint32(b[36:])},
	}, true
}

// backfillOffset is where WalCkptInfo begins: how many frames of the WAL are in the database.
const backfillOffset = 2 * indexHeaderSize

// waiting is how many committed frames are not in the database yet. ok is false as for header.
func (x *walIndex) waiting() (frames uint32, ok bool) {
	h, ok := x.header()
	b := make([]byte, 4)
	if n, err := x.f.ReadAt(b, backfillOffset); !ok || n < len(b) && err != nil {
		return 0, false
	}
	return h.frames - min(h.frames, binary.NativeEndian.Uint32(b)), true
}

// is tells whether it is this file.
func (x *walIndex) is(file os.FileInfo) bool {
	if x.f == nil {
		return false
	}
	own, err := x.f.Stat()
	return err == nil && os.SameFile(own, file)
}

func (x *walIndex) close() {
	if x.f != nil {
		_ = x.f.Close()
	}
}

// commits counts the commits in the first frames of the WAL.
func commits(walPath string, pageSize int, frames uint32) (n uint32, err error) {
	f, err := os.Open(walPath)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, litestream.WALFrameHeaderSize)
	for i := range int64(frames) {
		at := litestream.WALHeaderSize + i*int64(litestream.WALFrameHeaderSize+pageSize)
		if _, err := f.ReadAt(head, at); errors.Is(err, io.EOF) {
			return n, io.ErrUnexpectedEOF
		} else if err != nil {
			return n, err
		}
		if binary.BigEndian.Uint32(head[4:]) != 0 { // the size of the database after the commit
			n++
		}
	}
	return n, nil
}
