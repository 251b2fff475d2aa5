package cloud

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxLine is the longest line that is taken, in bytes: a row of 15 MB whose every byte is escaped, and more.
	maxLine = 128 << 20
	// keepLine is how much memory is kept for the next line.
	keepLine = 2 << 20
	// maxWindow is the memory that a compressed stream may ask for.
	maxWindow = 8 << 20
)

// lines reads the body of a stream line by line. Memory is bounded by the longest line.
type lines struct {
	body  io.ReadCloser
	plain io.Reader
	zip   *zstd.Decoder
	in    *bufio.Reader
	buf   []byte
}

var errLongLine = errors.New("a line is longer than any can be")

// newLines reads an answer. It takes the body over.
func newLines(a *http.Response, silence time.Duration, silent func()) (*lines, error) {
	l := &lines{body: a.Body, plain: &watched{in: a.Body, silence: silence, silent: silent}}
	switch a.Header.Get("Content-Encoding") {
	case "", "identity":
	case "zstd":
		z, err := zstd.NewReader(l.plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, errors.Join(err, a.Body.Close())
		}
		l.zip, l.plain = z, z
	case "gzip":
		l.plain = &lateGzip{in: l.plain}
	default:
		_ = a.Body.Close()
		return nil, &refusal{kind: later, status: a.StatusCode, cause: portal}
	}
	l.in = bufio.NewReaderSize(l.plain, 64<<10)
	return l, nil
}

// lateGzip reads the header of a gzip stream when the first byte is asked for, and not before.
type lateGzip struct {
	in io.Reader
	z  *gzip.Reader
}

func (g *lateGzip) Read(b []byte) (n int, err error) {
	if g.z == nil {
		if g.z, err = gzip.NewReader(g.in); err != nil {
			return 0, err
		}
	}
	return g.z.Read(b)
}

// next is the next line, valid until the call after it. io.EOF is the end of the body, proper or not.
func (l *lines) next() ([]byte, error) {
	if cap(l.buf) > keepLine {
		l.buf = nil
	}
	l.buf = l.buf[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		l.buf = append(l.buf, part...)
		switch {
		case err == nil:
			return l.buf, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(l.buf) > maxLine:
			return nil, errLongLine
		}
	}
}

// more tells whether another line is here already.
func (l *lines) more() bool {
	here, err := l.in.Peek(l.in.Buffered())
	return err == nil && bytes.IndexByte(here, '\n') >= 0
}

// close ends the stream.
func (l *lines) close() {
	_ = l.body.Close()
	if l.zip != nil {
		l.zip.Close()
	}
}

// watched calls silent when a single read takes longer than the silence. The time between two reads does not count: then
// it is us who are busy.
type watched struct {
	in      io.Reader
	silence time.Duration
	silent  func()
}

func (w *watched) Read(b []byte) (int, error) {
	timer := time.AfterFunc(w.silence, w.silent)
	defer timer.Stop()
	return w.in.Read(b)
}
