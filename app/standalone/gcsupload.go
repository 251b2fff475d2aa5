package standalone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
)

const (
	// smallObject is what is sent in a single request from memory; anything larger goes up in chunks.
	smallObject = 256 << 10
	uploadChunk = 4 << 20
)

// put sends small objects in one request and streams the others.
func (s *gcsStore) put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	bkt, err := s.bucket(ctx)
	if err != nil {
		return 0, s.fail(rightWrite, key, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before a Close, it makes the object not appear
	up := &gcsUpload{start: func(chunk int) *storage.Writer { return s.writer(ctx, bkt.Object(s.name(key)), at, chunk) }}
	if err := write(up); err != nil {
		return 0, s.fail(rightWrite, key, errors.Join(up.failed(), err))
	}
	if err := up.finish(ctx); err != nil {
		return 0, s.fail(rightWrite, key, err)
	}
	return up.size, nil
}

// writer sends what fails again, from the part that failed: an object of a gigabyte must not begin anew because of one
// silent moment. Attempts are counted from the last part that went through.
func (s *gcsStore) writer(ctx context.Context, obj *storage.ObjectHandle, at time.Time, chunk int) *storage.Writer {
	var tries atomic.Int32
	w := obj.Retryer(storage.WithErrorFunc(func(err error) bool { // uploads do not count attempts themselves
		return tries.Add(1) < maxAttempts && (passing(err) || chunk > 0 && (timedOut(err) || errors.Is(err, io.EOF)))
	})).NewWriter(ctx)
	w.ChunkSize, w.ChunkRetryDeadline = chunk, maxAttempts*s.idle
	w.ProgressFunc = func(int64) { tries.Store(0) }
	w.ContentType = "application/octet-stream"
	if !at.IsZero() {
		w.Metadata = map[string]string{timestampKey: at.UTC().Format(time.RFC3339Nano)}
	}
	return w
}

// gcsUpload collects an object and starts to stream it once it is not small any more.
type gcsUpload struct {
	start  func(chunk int) *storage.Writer
	buf    bytes.Buffer
	stream *storage.Writer
	err    error
	size   int64
}

func (u *gcsUpload) Write(p []byte) (int, error) {
	u.size += int64(len(p))
	if u.stream == nil && u.buf.Len()+len(p) <= smallObject {
		return u.buf.Write(p)
	}
	if u.stream == nil {
		u.stream = u.start(uploadChunk)
		if _, u.err = u.stream.Write(u.buf.Bytes()); u.err != nil {
			return 0, u.err
		}
		u.buf = bytes.Buffer{}
	}
	var n int
	n, u.err = u.stream.Write(p)
	return n, u.err
}

// failed is why the stream broke, if it did.
func (u *gcsUpload) failed() error { return u.err }

func (u *gcsUpload) finish(ctx context.Context) error {
	if u.stream != nil {
		return u.stream.Close()
	}
	return u.sendSmall(ctx)
}

// sendSmall sends the object without a second buffer; so it is sent again here, not by the library.
func (u *gcsUpload) sendSmall(ctx context.Context) error {
	pause := gax.Backoff{Initial: 200 * time.Millisecond, Max: time.Second, Multiplier: 2}
	for attempt := 1; ; attempt++ {
		w := u.start(0)
		_, err := w.Write(u.buf.Bytes())
		if closeErr := w.Close(); err == nil || closeErr != nil {
			err = closeErr
		}
		if err == nil || attempt == maxAttempts || !passing(err) {
			return err
		}
		if err := gax.Sleep(ctx, pause.Pause()); err != nil {
			return err
		}
	}
}

// claim makes an object whose generation must be none. That is tried again after a lost reply too, and then finds itself.
func (s *gcsStore) claim(ctx context.Context, key string, content []byte) error {
	bkt, err := s.bucket(ctx)
	if err != nil {
		return s.fail(rightWrite, key, err)
	}
	w := s.writer(ctx, bkt.Object(s.name(key)).If(storage.Conditions{DoesNotExist: true}), time.Time{}, 0)
	w.ContentType = "application/json"
	_, err = w.Write(content)
	err = errors.Join(err, w.Close())
	if e, ok := errors.AsType[*googleapi.Error](err); ok && e.Code == http.StatusPreconditionFailed {
		err = errors.Join(errClaimed, err)
	}
	return s.fail(rightWrite, key, err)
}
