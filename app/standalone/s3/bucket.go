// Package s3 keeps objects in a bucket of Amazon S3 or of a server that speaks its protocol. It is the only importer of
// the AWS SDK, and knows nothing of what the objects are.
//
// Credentials are an access key that is given, else those that are found where every AWS tool looks: the environment, the
// shared configuration and credentials files, a sign-in by `aws sso login`, the role of the machine. Nothing of them is kept
// here.
//
// An object appears whole or not at all. What is larger than one part goes up in parts of a few megabytes, one after
// another, so that memory stays bounded; a part that fails is sent again alone. Who made an object and when is in the
// metadata, which a listing does not show: see times.
package s3

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
)

const (
	// defaultRegion is where a bucket is looked for when nothing says it. Amazon's answer names the right one, and other
	// servers mostly take it.
	defaultRegion = "us-east-1"
	maxAttempts   = 3
	maxBackoff    = 500 * time.Millisecond
)

// Config says which bucket.
type Config struct {
	Bucket string
	// Prefix is before every key, without slashes around it; it may be empty.
	Prefix string
	// Region is the bucket's; empty means that of the environment or the configuration files.
	Region string
	// Endpoint is the URL of a server that is not Amazon's; empty means Amazon's, or what the environment says.
	Endpoint string
	// KeyID and Secret are an access key. Without them the machine's own credentials are looked for.
	KeyID, Secret string
	// Transport carries the requests, of this bucket alone. It decides how long a silent server is waited for. What the AWS
	// configuration says of certificates (AWS_CA_BUNDLE) is added to it.
	Transport *http.Transport
}

// Bucket is a place for objects, by key. Its methods may be called from several goroutines. They block, honour ctx, and
// return a *Fault where the server's answer is known.
type Bucket struct {
	cfg   Config
	times times
	open  sync.Map // the ids of uploads in parts that are under way

	mu     sync.Mutex
	client *s3.Client

	copyLimit, copyPart int64
}

// New prepares a bucket. Nothing is asked before it is used, and a failure to find credentials is not remembered.
func New(cfg Config) *Bucket {
	return &Bucket{cfg: cfg, copyLimit: copyLimit, copyPart: copyPart}
}

func (b *Bucket) connect(ctx context.Context) (*s3.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client != nil {
		return b.client, nil
	}
	found, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, &Fault{Kind: NoKeys, Err: err}
	}
	b.trust(found.HTTPClient)
	found.Region = cmp.Or(b.cfg.Region, found.Region, defaultRegion)
	switch {
	case b.cfg.KeyID != "":
		found.Credentials = credentials.NewStaticCredentialsProvider(b.cfg.KeyID, b.cfg.Secret, "")
	case found.Credentials != nil:
		found.Credentials = aws.NewCredentialsCache(provider{found.Credentials})
	}
	b.client = s3.NewFromConfig(found, b.options)
	return b.client, nil
}

// trust takes over which certificates are believed.
func (b *Bucket) trust(found aws.HTTPClient) {
	client, ok := found.(*awshttp.BuildableClient)
	if !ok {
		return
	}
	if tls := client.GetTransport().TLSClientConfig; tls != nil && tls.RootCAs != nil {
		b.cfg.Transport.TLSClientConfig = tls
	}
}

func (b *Bucket) options(o *s3.Options) {
	if b.cfg.Endpoint != "" {
		o.BaseEndpoint = aws.String(b.cfg.Endpoint)
	}
	// Other servers have no name for each bucket, and a name with dots fits no certificate.
	o.UsePathStyle = o.BaseEndpoint != nil || strings.Contains(b.cfg.Bucket, ".")
	// The signature covers the content already, and many servers know none of the newer checksums.
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.Retryer = retryer(retry.IsErrorRetryableFunc(notTimedOut))
	o.HTTPClient = &http.Client{
		Transport:     b.cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it is signed for one host
	}
}

// retryer bounds how often a request is sent again. Every request may be: names are final and contents do not change.
func retryer(but ...retry.IsErrorRetryable) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff
		o.Retryables = append(but, o.Retryables...)
	})
}

// notTimedOut says no to what has waited long enough.
func notTimedOut(err error) aws.Ternary {
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

func (b *Bucket) name(key string) *string { return aws.String(path.Join(b.cfg.Prefix, key)) }

// Object is one entry of a listing.
type Object struct {
	Name string // last part of the key
	Size int64
	At   time.Time // as it was given to Put, else when it was written
}

// Open reads size bytes from offset; a size of 0 means all. A missing object is fs.ErrNotExist.
func (b *Bucket) Open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	client, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	in := &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: b.name(key)}
	switch {
	case size > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+size-1))
	case offset > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := client.GetObject(ctx, in)
	if err != nil {
		return nil, known(err)
	}
	return out.Body, nil
}

// List yields the objects right in dir in the order of their names, from the name that is or follows from. Of objects
// whose names end in .json the time is when they were written.
func (b *Bucket) List(ctx context.Context, dir, from string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for page, err := range b.pages(ctx, dir, from) {
			var found []Object
			if err == nil {
				found, err = b.objects(ctx, page, from)
			}
			if err != nil {
				yield(Object{}, known(err))
				return
			}
			for _, o := range found {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
}

// Dirs lists the names of the folders right in dir, sorted.
func (b *Bucket) Dirs(ctx context.Context, dir string) ([]string, error) {
	var names []string
	for page, err := range b.pages(ctx, dir, "") {
		if err != nil {
			return nil, known(err)
		}
		for _, p := range page.CommonPrefixes {
			names = append(names, path.Base(aws.ToString(p.Prefix)))
		}
	}
	return names, nil
}

// pages asks for what is right in dir. A listing begins after a name, not with it, so it begins a little before from.
func (b *Bucket) pages(ctx context.Context, dir, from string) iter.Seq2[*s3.ListObjectsV2Output, error] {
	return func(yield func(*s3.ListObjectsV2Output, error) bool) {
		client, err := b.connect(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		prefix := strings.TrimPrefix(path.Join(b.cfg.Prefix, dir)+"/", "/")
		in := &s3.ListObjectsV2Input{Bucket: &b.cfg.Bucket, Prefix: &prefix, Delimiter: aws.String("/")}
		if from != "" {
			in.StartAfter = aws.String(prefix + from[:len(from)-1])
		}
		for it := s3.NewListObjectsV2Paginator(client, in); it.HasMorePages(); {
			page, err := it.NextPage(ctx)
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// Remove deletes an object; one that is not there is no error.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	client, err := b.connect(ctx)
	if err != nil {
		return err
	}
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.cfg.Bucket, Key: b.name(key)})
	if KindOf(known(err)) == NoObject {
		err = nil
	}
	if err == nil {
		b.times.forget(*b.name(key))
	}
	return known(err)
}

// Claim makes a small object only if there is none of that key: fs.ErrExist else. After a lost reply it is tried again
// and then finds itself.
func (b *Bucket) Claim(ctx context.Context, key string, content []byte) error {
	client, err := b.connect(ctx)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		_, err = client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &b.cfg.Bucket, Key: b.name(key), Body: bytes.NewReader(content), IfNoneMatch: aws.String("*"), ContentType: aws.String("application/json"),
		})
		// Another is making it at this moment, and may yet fail.
		if err = known(err); KindOf(err) != Conflict || attempt == maxAttempts {
			return err
		}
		if err := pause(ctx, time.Duration(attempt)*100*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Create makes the bucket in its region. One that is there and usable is no error.
func (b *Bucket) Create(ctx context.Context) error {
	client, err := b.connect(ctx)
	if err != nil {
		return err
	}
	in := &s3.CreateBucketInput{Bucket: &b.cfg.Bucket}
	if region := client.Options().Region; region != defaultRegion {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err = client.CreateBucket(ctx, in)
	if KindOf(known(err)) == Taken {
		_, err = client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.cfg.Bucket})
	}
	return known(err)
}

// The largest object that one request copies, and the parts of a larger one: S3 takes more, but says nothing while it
// copies.
const (
	copyLimit = 512 << 20
	copyPart  = 256 << 20
)

// Copy copies an object with its time within the bucket, without sending it.
func (b *Bucket) Copy(ctx context.Context, from, to string) error {
	client, err := b.connect(ctx)
	if err != nil {
		return err
	}
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.cfg.Bucket, Key: b.name(from)})
	if err != nil {
		return known(err)
	}
	source := aws.String(escape(b.cfg.Bucket + "/" + *b.name(from)))
	if size := aws.ToInt64(head.ContentLength); size > b.copyLimit {
		return b.copyParts(ctx, source, to, size, head.Metadata)
	}
	_, err = client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.cfg.Bucket, Key: b.name(to), CopySource: source})
	return known(err)
}

// escape writes a path so that servers which take a + for a space read it, too.
func escape(path string) string {
	return strings.ReplaceAll((&url.URL{Path: path}).EscapedPath(), "+", "%2B")
}

func (b *Bucket) copyParts(ctx context.Context, source *string, to string, size int64, meta map[string]string) error {
	up := b.begin(to, meta)
	for at := int64(0); at < size; at += b.copyPart {
		n := min(b.copyPart, size-at)
		span := aws.String(fmt.Sprintf("bytes=%d-%d", at, at+n-1))
		if err := up.part(ctx, n, func(client *s3.Client, number *int32) (*string, error) {
			out, err := client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: &b.cfg.Bucket, Key: b.name(to), UploadId: up.id, PartNumber: number, CopySource: source, CopySourceRange: span,
			})
			if err != nil {
				return nil, err
			}
			return out.CopyPartResult.ETag, nil
		}); err != nil {
			return up.abort(ctx, err)
		}
	}
	return up.complete(ctx)
}
