package s3

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// looksAtOnce is how many objects are asked for their times at the same time.
const looksAtOnce = 16

// times remembers when objects were made, which only a request for each of them tells. What this process wrote needs
// none, and nothing is asked twice while the content is the same.
type times struct {
	mu    sync.Mutex
	known map[string]stampedAt
}

type stampedAt struct {
	etag string
	at   time.Time
}

func (t *times) keep(name, etag string, meta map[string]string) {
	at, err := time.Parse(time.RFC3339Nano, meta[timestampKey])
	if err != nil || etag == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]stampedAt{}
	}
	t.known[name] = stampedAt{etag, at.UTC()}
}

func (t *times) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, name)
}

func (t *times) of(name, etag string) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.known[name]
	return s.at, ok && s.etag == etag
}

// objects are the entries of a page with their times, without those that were removed meanwhile.
func (b *Bucket) objects(ctx context.Context, page *s3.ListObjectsV2Output, from string) ([]Object, error) {
	found, gone, errs := make([]Object, len(page.Contents)), make([]bool, len(page.Contents)), make([]error, len(page.Contents))
	free := make(chan struct{}, looksAtOnce)
	var looks sync.WaitGroup
	for i, c := range page.Contents {
		key := aws.ToString(c.Key)
		found[i] = Object{Name: path.Base(key), Size: aws.ToInt64(c.Size), At: aws.ToTime(c.LastModified).UTC()}
		if strings.HasSuffix(key, "/") || found[i].Name < from { // a folder, or not asked for
			gone[i] = true
			continue
		}
		if strings.HasSuffix(key, ".json") {
			continue
		}
		if at, ok := b.times.of(key, aws.ToString(c.ETag)); ok {
			found[i].At = at
			continue
		}
		free <- struct{}{}
		looks.Go(func() {
			defer func() { <-free }()
			gone[i], errs[i] = b.look(ctx, c, &found[i])
		})
	}
	looks.Wait()
	kept := found[:0]
	for i, o := range found {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if !gone[i] {
			kept = append(kept, o)
		}
	}
	return kept, nil
}

// look asks for the time of one object.
func (b *Bucket) look(ctx context.Context, c types.Object, o *Object) (gone bool, err error) {
	client, err := b.connect(ctx)
	if err != nil {
		return false, err
	}
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.cfg.Bucket, Key: c.Key})
	if KindOf(known(err)) == NoObject {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if at, err := time.Parse(time.RFC3339Nano, head.Metadata[timestampKey]); err == nil {
		o.At = at.UTC()
		b.times.keep(*c.Key, aws.ToString(c.ETag), head.Metadata)
	}
	return false, nil
}
