package standalone

import "io"

// window looks at an object piece by piece without copying. It is over memory when r is nil.
type window struct {
	r   io.Reader
	buf []byte // what was read and not skipped is buf[at:end]
	at  int
	end int
}

func windowOver(content []byte) *window { return &window{buf: content, end: len(content)} }

// reset starts a new object in the same buffer.
func (w *window) reset(r io.Reader) { w.r, w.at, w.end = r, 0, 0 }

// peek returns the next n bytes, or with io.EOF all that is left when that is less. They stay valid until the next
// call. n must not be more than the buffer's size.
func (w *window) peek(n int) ([]byte, error) {
	for w.end-w.at < n {
		if w.r == nil {
			return w.buf[w.at:w.end], io.EOF
		}
		if w.at+n > len(w.buf) {
			w.end = copy(w.buf, w.buf[w.at:w.end])
			w.at = 0
		}
		m, err := w.r.Read(w.buf[w.end:])
		w.end += m
		if err != nil && w.end-w.at < n {
			return w.buf[w.at:w.end], err
		}
	}
	return w.buf[w.at : w.at+n], nil
}

// skip passes over n bytes that were peeked.
func (w *window) skip(n int) { w.at += n }
