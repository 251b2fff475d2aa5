package standalone

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// timestampKey is the metadata key the litestream program looks for, too.
	timestampKey = "litestream-timestamp"
	maxAttempts  = 3
)

// gcsStore keeps objects in a bucket. The client is made when it is first needed, so that a target can be opened
// offline; a failure to make it is not remembered.
type gcsStore struct {
	cfg TargetConfig
	at  location
	// idle is how long a silent endpoint is waited for. The engine tries again by itself, so it is short.
	idle time.Duration

	mu      sync.Mutex
	client  *storage.Client
	project string // of a new bucket
}

func (s *gcsStore) bucket(ctx context.Context) (*storage.BucketHandle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		client, project, err := newGCSClient(ctx, s.cfg, s.idle)
		if err != nil {
			return nil, err
		}
		client.SetRetry(retries()...)
		s.client, s.project = client, project
	}
	return s.client.Bucket(s.at.bucket), nil
}

// retries bounds how long an operation is tried again. Every operation may be: names are final and contents do not
// change, so a second write of the same object is harmless.
func retries() []storage.RetryOption {
	return []storage.RetryOption{
		storage.WithPolicy(storage.RetryAlways), storage.WithErrorFunc(passing), storage.WithMaxAttempts(maxAttempts),
		storage.WithBackoff(gax.Backoff{Initial: 200 * time.Millisecond, Max: time.Second, Multiplier: 2}),
	}
}

// passing tells failures that may be gone at once. A timeout is not: it has waited long enough.
func passing(err error) bool { return !timedOut(err) && storage.ShouldRetry(err) }

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

func (s *gcsStore) name(key string) string { return path.Join(s.at.path, key) }

func (s *gcsStore) fail(need right, key string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, storage.ErrObjectNotExist) {
		err = errors.Join(fs.ErrNotExist, err)
	}
	return &accessError{need: need, place: s.at.name(), key: key, err: err}
}

func (s *gcsStore) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	bkt, err := s.bucket(ctx)
	if err != nil {
		return nil, s.fail(rightRead, key, err)
	}
	if size <= 0 {
		size = -1
	}
	r, err := bkt.Object(s.name(key)).NewRangeReader(ctx, offset, size)
	if err != nil {
		return nil, s.fail(rightRead, key, err)
	}
	return &failReader{r, func(err error) error { return s.fail(rightRead, key, err) }}, nil
}

func (s *gcsStore) list(ctx context.Context, dir, from string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		for attrs, err := range s.listing(ctx, dir, from, "Name", "Size", "Created", "Metadata") {
			if err != nil {
				yield(object{}, err)
				return
			}
			if attrs.Name == "" {
				continue // a folder
			}
			if !yield(object{name: path.Base(attrs.Name), size: attrs.Size, at: timeOf(attrs)}, nil) {
				return
			}
		}
	}
}

func timeOf(attrs *storage.ObjectAttrs) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, attrs.Metadata[timestampKey]); err == nil {
		return t.UTC()
	}
	return attrs.Created.UTC()
}

func (s *gcsStore) dirs(ctx context.Context, dir string) ([]string, error) {
	var names []string
	for attrs, err := range s.listing(ctx, dir, "", "Name") {
		if err != nil {
			return nil, err
		}
		if attrs.Prefix != "" {
			names = append(names, path.Base(attrs.Prefix))
		}
	}
	return names, nil
}

// listing asks for what is right in dir, and of it only for the named attributes.
func (s *gcsStore) listing(ctx context.Context, dir, from string, attrs ...string) iter.Seq2[*storage.ObjectAttrs, error] {
	return func(yield func(*storage.ObjectAttrs, error) bool) {
		bkt, err := s.bucket(ctx)
		if err != nil {
			yield(nil, s.fail(rightList, dir, err))
			return
		}
		q := &storage.Query{Prefix: strings.TrimPrefix(s.name(dir)+"/", "/"), Delimiter: "/"}
		if from != "" {
			q.StartOffset = q.Prefix + from
		}
		if err := q.SetAttrSelection(attrs); err != nil {
			yield(nil, s.fail(rightList, dir, err))
			return
		}
		for it := bkt.Objects(ctx, q); ; {
			a, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if err != nil {
				yield(nil, s.fail(rightList, dir, err))
				return
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (s *gcsStore) remove(ctx context.Context, key string) error {
	bkt, err := s.bucket(ctx)
	if err != nil {
		return s.fail(rightDelete, key, err)
	}
	if err = bkt.Object(s.name(key)).Delete(ctx); errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	return s.fail(rightDelete, key, err)
}

// duplicate copies within the bucket; metadata comes along.
func (s *gcsStore) duplicate(ctx context.Context, from, to string) error {
	bkt, err := s.bucket(ctx)
	if err == nil {
		_, err = bkt.Object(s.name(to)).CopierFrom(bkt.Object(s.name(from))).Run(ctx)
	}
	return s.fail(rightWrite, from, err)
}

// create makes the bucket in the project of the credentials. One that is there and usable is no error.
func (s *gcsStore) create(ctx context.Context) error {
	bkt, err := s.bucket(ctx)
	if err == nil && s.project == "" {
		return app.Errorf(app.CodeInvalid, "create", "It is not known which Google Cloud project %s should belong to.", s.at.name()).
			WithHint("Create it in the Google Cloud console, then test again. Or set GOOGLE_CLOUD_PROJECT where the agent starts.")
	}
	if err == nil {
		err = bkt.Create(ctx, s.project, &storage.BucketAttrs{UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true}})
	}
	if e, ok := errors.AsType[*googleapi.Error](err); ok && e.Code == http.StatusConflict {
		_, err = bkt.Attrs(ctx)
	}
	return s.fail(rightCreate, "", err)
}

func (s *gcsStore) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil
	}
	client := s.client
	s.client = nil
	return client.Close()
}
