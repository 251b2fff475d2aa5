package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	// MinPart is the size of the first parts, the least that S3 takes.
	MinPart = 5 << 20
	// growEvery is how many parts have one size; the next are twice as large. S3 takes 10,000 parts.
	growEvery = 1000
	// abortTimeout bounds how long the parts of an upload that failed are being taken away.
	abortTimeout = 10 * time.Second
)

// timestampKey is the metadata key the litestream program looks for, too.
const timestampKey = "litestream-timestamp"

// Put makes the object that write writes: whole, or not at all and as it was before. A non-zero at is kept as the
// object's time. It returns the object's size in bytes, and holds one part of it in memory.
func (b *Bucket) Put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	var meta map[string]string
	if !at.IsZero() {
		meta = map[string]string{timestampKey: at.UTC().Format(time.RFC3339Nano)}
	}
	w := &writer{ctx: ctx, up: b.begin(key, meta)}
	err := write(w)
	if err == nil {
		err = w.close()
	}
	if err != nil {
		return 0, w.up.abort(ctx, err)
	}
	return w.size, nil
}

// writer collects a part and sends it once it is full.
type writer struct {
	ctx  context.Context
	up   *upload
	buf  bytes.Buffer
	size int64
}

func (w *writer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		full := w.up.partSize()
		if w.buf.Len() == full {
			if err := w.up.send(w.ctx, w.buf.Bytes()); err != nil {
				return n, err
			}
			w.buf.Reset()
			continue
		}
		if w.buf.Len() > smallObject && w.buf.Cap() < full {
			w.buf.Grow(full - w.buf.Len()) // once, not by doubling
		}
		m, err := w.buf.Write(p[n:min(len(p), n+full-w.buf.Len())])
		n, w.size = n+m, w.size+int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// smallObject is what is collected without room for a whole part.
const smallObject = 256 << 10

// close sends what is left: of an object that fits into one part, everything in one request.
func (w *writer) close() error {
	if w.up.id == nil {
		return w.up.whole(w.ctx, w.buf.Bytes())
	}
	if err := w.up.send(w.ctx, w.buf.Bytes()); err != nil {
		return err
	}
	return w.up.complete(w.ctx)
}

// upload is an object on its way up in parts. Without a part there is nothing at the server yet.
type upload struct {
	b     *Bucket
	key   string
	meta  map[string]string
	id    *string
	size  int64 // of the parts
	parts []types.CompletedPart
}

func (b *Bucket) begin(key string, meta map[string]string) *upload {
	return &upload{b: b, key: key, meta: meta}
}

func (u *upload) partSize() int { return MinPart << (len(u.parts) / growEvery) }

func (u *upload) whole(ctx context.Context, content []byte) error {
	client, err := u.b.connect(ctx)
	if err != nil {
		return err
	}
	out, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &u.b.cfg.Bucket, Key: u.b.name(u.key), Body: bytes.NewReader(content), Metadata: u.meta,
	})
	if err == nil {
		u.b.times.keep(*u.b.name(u.key), aws.ToString(out.ETag), u.meta)
	}
	return known(err)
}

func (u *upload) send(ctx context.Context, content []byte) error {
	return u.part(ctx, int64(len(content)), func(client *s3.Client, n *int32) (*string, error) {
		out, err := client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &u.b.cfg.Bucket, Key: u.b.name(u.key), UploadId: u.id, PartNumber: n, Body: bytes.NewReader(content),
		}, func(o *s3.Options) { o.Retryer = retryer() }) // also after a silent moment: an object of a gigabyte must not begin anew
		if err != nil {
			return nil, err
		}
		return out.ETag, nil
	})
}

// part sends the next part, of size bytes; before the first one it begins the upload.
func (u *upload) part(ctx context.Context, size int64, send func(client *s3.Client, n *int32) (etag *string, err error)) error {
	client, err := u.b.connect(ctx)
	if err != nil {
		return err
	}
	if u.id == nil {
		out, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &u.b.cfg.Bucket, Key: u.b.name(u.key), Metadata: u.meta,
		})
		if err != nil {
			return known(err)
		}
		u.id = out.UploadId
		u.b.open.Store(*u.id, true)
	}
	n := aws.Int32(int32(len(u.parts) + 1))
	etag, err := send(client, n)
	if err != nil {
		return known(err)
	}
	u.parts, u.size = append(u.parts, types.CompletedPart{PartNumber: n, ETag: etag}), u.size+size
	return nil
}

func (u *upload) complete(ctx context.Context) error {
	client, err := u.b.connect(ctx)
	if err != nil {
		return err
	}
	out, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.b.cfg.Bucket, Key: u.b.name(u.key), UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	var etag *string
	if err == nil {
		etag = out.ETag
	} else if etag = u.there(ctx, client, known(err)); etag == nil {
		return u.abort(ctx, known(err))
	}
	u.b.times.keep(*u.b.name(u.key), aws.ToString(etag), u.meta)
	u.b.open.Delete(*u.id)
	u.id = nil // there is nothing left to abort
	return nil
}

// there finds the object where the server does not know the upload any more: it was completed, and the reply was lost.
// The tag of an object that came in parts ends with how many they were.
func (u *upload) there(ctx context.Context, client *s3.Client, err error) (etag *string) {
	if KindOf(err) != NoObject {
		return nil
	}
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &u.b.cfg.Bucket, Key: u.b.name(u.key)})
	if err != nil || aws.ToInt64(head.ContentLength) != u.size || !strings.HasSuffix(strings.Trim(aws.ToString(head.ETag), `"`), fmt.Sprintf("-%d", len(u.parts))) {
		return nil
	}
	return head.ETag
}

// abort takes the parts away, which would be kept and paid for else, also after ctx ended, and returns the reason.
func (u *upload) abort(ctx context.Context, reason error) error {
	if u.id == nil {
		return reason
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	id := u.id
	u.id = nil
	defer u.b.open.Delete(*id)
	client, err := u.b.connect(ctx)
	if err == nil {
		err = u.b.abort(ctx, client, u.b.name(u.key), id)
	}
	if err != nil {
		return errors.Join(reason, err)
	}
	return reason
}

// abort takes an upload's parts away. One that is not there is no error.
func (b *Bucket) abort(ctx context.Context, client *s3.Client, name, id *string) error {
	_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.cfg.Bucket, Key: name, UploadId: id})
	if KindOf(known(err)) == NoObject {
		return nil
	}
	return known(err)
}

// Sweep takes away the parts of uploads below dir that were begun before a time and never came to their end: a program that
// is killed leaves them, and they are kept and paid for. Uploads of this Bucket that are under way stay. left is how many
// others are younger.
func (b *Bucket) Sweep(ctx context.Context, dir string, before time.Time) (left int, err error) {
	client, err := b.connect(ctx)
	if err != nil {
		return 0, err
	}
	in := &s3.ListMultipartUploadsInput{Bucket: &b.cfg.Bucket, Prefix: aws.String(*b.name(dir) + "/")}
	for it := s3.NewListMultipartUploadsPaginator(client, in); it.HasMorePages(); {
		page, err := it.NextPage(ctx)
		if err != nil {
			return left, known(err)
		}
		for _, u := range page.Uploads {
			_, own := b.open.Load(aws.ToString(u.UploadId))
			switch {
			case own || !strings.HasPrefix(aws.ToString(u.Key), *in.Prefix): // not every server knows prefixes
			case !aws.ToTime(u.Initiated).Before(before):
				left++
			default:
				if err := b.abort(ctx, client, u.Key, u.UploadId); err != nil {
					return left, err
				}
			}
		}
	}
	return left, nil
}
