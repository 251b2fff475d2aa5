package standalone

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/standalone/s3"
)

// s3IdleTimeout is longer than for Google's: a server that puts the parts of an object together says nothing meanwhile.
const s3IdleTimeout = 3 * idleTimeout

// s3Store keeps objects in a bucket of Amazon S3, or of another server that speaks its protocol.
type s3Store struct {
	bucket    *s3.Bucket
	place     string
	transport *http.Transport
}

func newS3Store(at location, access app.AccessKey, idle time.Duration) *s3Store {
	transport := newTransport(idle)
	return &s3Store{
		place: at.name(), transport: transport,
		bucket: s3.New(s3.Config{Bucket: at.bucket, Prefix: at.path, Region: at.region, Endpoint: at.endpoint, Transport: transport,
			KeyID: access.ID, Secret: access.Secret.Reveal()}),
	}
}

func (s *s3Store) fail(need right, key string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		err = errors.Join(errClaimed, err)
	}
	return &accessError{need: need, place: s.place, key: key, err: err}
}

func (s *s3Store) put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	size, err := s.bucket.Put(ctx, key, at, write)
	return size, s.fail(rightWrite, key, err)
}

func (s *s3Store) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	return openSteady(offset, size, func(offset, size int64) (io.ReadCloser, error) {
		return s.bucket.Open(ctx, key, offset, size)
	}, func(err error) error { return s.fail(rightRead, key, err) })
}

func (s *s3Store) list(ctx context.Context, dir, from string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		for o, err := range s.bucket.List(ctx, dir, from) {
			if !yield(object{name: o.Name, size: o.Size, at: o.At}, s.fail(rightList, dir, err)) || err != nil {
				return
			}
		}
	}
}

func (s *s3Store) dirs(ctx context.Context, dir string) ([]string, error) {
	names, err := s.bucket.Dirs(ctx, dir)
	return names, s.fail(rightList, dir, err)
}

func (s *s3Store) claim(ctx context.Context, key string, content []byte) error {
	return s.fail(rightWrite, key, s.bucket.Claim(ctx, key, content))
}

func (s *s3Store) remove(ctx context.Context, key string) error {
	return s.fail(rightDelete, key, s.bucket.Remove(ctx, key))
}

func (s *s3Store) duplicate(ctx context.Context, from, to string) error {
	return s.fail(rightWrite, from, s.bucket.Copy(ctx, from, to))
}

func (s *s3Store) create(ctx context.Context) error {
	return s.fail(rightCreate, "", s.bucket.Create(ctx))
}

func (s *s3Store) sweep(ctx context.Context, dir string, before time.Time) (left int, err error) {
	left, err = s.bucket.Sweep(ctx, dir, before)
	return left, s.fail(rightList, dir, err)
}

func (s *s3Store) close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// The hints for what only S3 answers.
const (
	s3KeysHint = "Or put one into ~/.aws/credentials, for example with `aws configure`: what only a terminal knows, an agent that starts at login does not."
	s3RoleHint = "Allow s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on what is in it."
)

// ofS3 knows what S3 answers.
func ofS3(a *accessError, err error) *app.Error {
	f, ok := errors.AsType[*s3.Fault](err)
	if !ok {
		return nil
	}
	switch f.Kind {
	case s3.NoBucket:
		return noBucket(a)
	case s3.Denied:
		return s3Denied(a)
	case s3.NoKeys:
		return app.Errorf(app.CodeDenied, "", "There are no AWS credentials on this machine.").WithHint("Give an access key. %s", s3KeysHint).Typed("Give an access key with --s3-keys FILE. %s", s3KeysHint)
	case s3.SignInEnded:
		return app.Errorf(app.CodeDenied, "", "The AWS sign-in of this machine has ended.").WithHint("Run: aws sso login")
	case s3.BadKeys:
		return app.Errorf(app.CodeDenied, "", "Your storage does not know these credentials.").WithHint("Check the access key that you gave, else the one in ~/.aws/credentials or the environment.")
	case s3.OtherRegion:
		return s3OtherRegion(a, f.Region)
	case s3.WrongClock:
		return app.Errorf(app.CodeDenied, "", "Your storage refuses this machine, because its clock is wrong.").
			WithHint("Set the clock, and let it be set by the network. Copying goes on by itself.")
	case s3.Taken:
		return app.Errorf(app.CodeRefused, "", "%s is there already, and it is another account's.", capital(a.place)).
			WithHint("Choose another name: bucket names are one for everybody.")
	case s3.Full:
		return app.Errorf(app.CodeNoSpace, "", "Your storage is full: %s has no room left.", a.place).
			WithHint("Make room or raise the quota, or choose another storage.")
	case s3.Busy, s3.Conflict:
		return app.Errorf(app.CodeUnreachable, "", "Your storage answers with error %d at the moment.", f.Status).WithHint(retryHint)
	case s3.Unsupported:
		return app.Errorf(app.CodeRefused, "", "%s cannot do what is needed: it does not know a request of S3 that the copies need.", capital(a.place)).
			WithHint("Choose another storage, or update the server.")
	case s3.Unknown, s3.NoObject, s3.Exists: // known for what they are elsewhere
	}
	return nil
}

func s3Denied(a *accessError) *app.Error {
	if a.need == rightCreate {
		return app.Errorf(app.CodeDenied, "", "These credentials may not create %s.", a.place).
			WithHint("Create it yourself, or allow s3:CreateBucket.")
	}
	return app.Errorf(app.CodeDenied, "", "These credentials may not %s in %s.", a.need, a.place).WithHint(s3RoleHint)
}

func s3OtherRegion(a *accessError, region string) *app.Error {
	if region == "" {
		return app.Errorf(app.CodeInvalid, "", "%s is in another region.", capital(a.place)).
			WithHint("Say which one: add ?region=NAME to the URL.")
	}
	return app.Errorf(app.CodeInvalid, "", "%s is in the region %s.", capital(a.place), region).
		WithHint("Add ?region=%s to the URL, or &region=%s after an endpoint.", region, region)
}
