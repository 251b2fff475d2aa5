package apptest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

func open(t *testing.T, g *apptest.GCS) (*storage.BucketHandle, context.Context) {
	t.Helper()
	g.Setenv(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	client, err := storage.NewClient(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	client.SetRetry(storage.WithPolicy(storage.RetryNever))
	return client.Bucket("memory"), ctx
}

func write(ctx context.Context, b *storage.BucketHandle, name string, content []byte) error {
	w := b.Object(name).NewWriter(ctx)
	w.ChunkSize = 0
	if _, err := w.Write(content); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

func read(ctx context.Context, b *storage.BucketHandle, name string) ([]byte, error) {
	r, err := b.Object(name).NewReader(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func status(err error) int {
	if e, ok := errors.AsType[*googleapi.Error](err); ok {
		return e.Code
	}
	return 0
}

func TestGCSKeepsObjectsAndCounts(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	b, ctx := open(t, g)
	want := bytes.Repeat([]byte("content "), 1000)
	if err := write(ctx, b, "standalone/u/m/ltx/0/a b.ltx", want); err != nil {
		t.Fatal(err)
	}
	got, err := read(ctx, b, "standalone/u/m/ltx/0/a b.ltx")
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	if n := len(g.Objects("memory", "standalone/u/")); n != 1 {
		t.Errorf("%d objects, want 1", n)
	}
	it := b.Objects(ctx, &storage.Query{Prefix: "standalone/"})
	if _, err := it.Next(); err != nil {
		t.Fatal(err)
	}
	if err := b.Object("standalone/u/m/ltx/0/a b.ltx").Delete(ctx); err != nil {
		t.Fatal(err)
	}
	if c := g.Counts(); c != (apptest.Counts{A: 2, B: 1, Free: 1}) {
		t.Errorf("counted %+v: %+v", c, g.Requests())
	}
	if g.Forget(); g.Counts().Total() != 0 {
		t.Error("it does not forget")
	}
}

func TestGCSUploadInPartsCountsOnce(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	b, ctx := open(t, g)
	w := b.Object("big").NewWriter(ctx)
	w.ChunkSize = 256 << 10
	if _, err := w.Write(make([]byte, 700<<10)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if c := g.Counts(); c.A != 1 || c.B != 0 || c.Free < 2 {
		t.Errorf("counted %+v", c)
	}
	if list := g.Objects("memory", ""); len(list) != 1 || list[0].Size != 700<<10 {
		t.Errorf("stored %+v", list)
	}
}

// TestGCSTakesAPartAgain: a part whose reply was lost is sent again, and how much is there can be asked.
func TestGCSTakesAPartAgain(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	begun := post(t, g.URL+"/upload/storage/v1/b/memory/o?uploadType=resumable&name=big", "", nil)
	at := begun.Header.Get("Location")
	half := bytes.Repeat([]byte("x"), 1000)
	for _, part := range []struct{ span, want string }{
		{"bytes 0-999/*", "bytes=0-999"}, {"bytes 0-999/*", "bytes=0-999"}, {"bytes */*", "bytes=0-999"}, {"bytes 1000-1999/2000", ""}, {"bytes */2000", ""},
	} {
		body := half
		if strings.HasPrefix(part.span, "bytes *") {
			body = nil
		}
		if got := post(t, at, part.span, body); got.StatusCode != http.StatusOK || part.want != "" && got.Header.Get("Range") != part.want {
			t.Errorf("%s: %s, %q, want %q", part.span, got.Status, got.Header.Get("Range"), part.want)
		}
	}
	if got := g.Read("memory", "big"); !bytes.Equal(got, append(half, half...)) {
		t.Errorf("stored %d bytes", len(got))
	}
}

func post(t *testing.T, url, span string, body []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if span != "" {
		req.Header.Set("Content-Range", span)
	}
	req.Header.Set("X-Guploader-No-308", "yes")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

func TestGCSHasNoBucketThatWasNotMade(t *testing.T) {
	g := apptest.StartGCS(t)
	b, ctx := open(t, g)
	if err := write(ctx, b, "x", []byte("x")); status(err) != http.StatusNotFound {
		t.Errorf("upload into no bucket: %v", err)
	}
	if _, err := b.Attrs(ctx); !errors.Is(err, storage.ErrBucketNotExist) {
		t.Errorf("attributes of no bucket: %v", err)
	}
	if err := b.Create(ctx, "project", nil); err != nil || !g.HasBucket("memory") {
		t.Errorf("create: %v", err)
	}
}

func TestGCSPreconditions(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	b, ctx := open(t, g)
	once := func() error {
		w := b.Object("lease").If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
		_, err := w.Write([]byte("me"))
		return errors.Join(err, w.Close())
	}
	if err := once(); err != nil {
		t.Fatal(err)
	}
	if err := once(); status(err) != http.StatusPreconditionFailed {
		t.Errorf("second exclusive create: %v", err)
	}
}

// TestGCSListsInPages: what lists all must ask more than once, and is billed for it.
func TestGCSListsInPages(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	b, ctx := open(t, g)
	g.Page = 10
	for i := range 25 {
		g.Put("memory", fmt.Sprintf("ltx/%05d", i), nil)
	}
	seen := map[string]bool{}
	it := b.Objects(ctx, &storage.Query{Prefix: "ltx/"})
	for attrs, err := it.Next(); !errors.Is(err, iterator.Done); attrs, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		seen[attrs.Name] = true
	}
	if c := g.Counts(); len(seen) != 25 || c != (apptest.Counts{A: 3}) {
		t.Errorf("%d objects by %+v", len(seen), c)
	}
}

func TestGCSFaults(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	b, ctx := open(t, g)
	g.Put("memory", "old", bytes.Repeat([]byte("o"), 1<<20))

	lift := g.Fault(apptest.Uploads, apptest.Deny)
	if err := write(ctx, b, "denied", []byte("x")); status(err) != http.StatusForbidden {
		t.Errorf("denied upload: %v", err)
	}
	if _, err := read(ctx, b, "old"); err != nil {
		t.Errorf("a fault of uploads hit a read: %v", err)
	}
	lift()
	if err := write(ctx, b, "allowed", []byte("x")); err != nil {
		t.Errorf("after the fault was lifted: %v", err)
	}

	g.Fault(apptest.Every, apptest.Unplugged)
	if err := write(ctx, b, "unplugged", []byte("x")); err == nil || status(err) != 0 {
		t.Errorf("unplugged upload: %v", err)
	}
	g.Heal()

	once := apptest.Down
	once.Times = 1
	g.Fault(apptest.On(http.MethodGet, "/old"), once)
	if _, err := read(ctx, b, "old"); status(err) != http.StatusServiceUnavailable {
		t.Errorf("first read while down once: %v", err)
	}
	if _, err := read(ctx, b, "old"); err != nil {
		t.Errorf("second read while down once: %v", err)
	}
}

func TestGCSCuts(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	b, ctx := open(t, g)
	g.Put("memory", "old", bytes.Repeat([]byte("o"), 1<<20))

	g.Fault(apptest.Uploads, apptest.Fault{Cut: apptest.CutReply})
	if err := write(ctx, b, "stored", []byte("x")); err == nil {
		t.Error("the reply was lost, and the client knows it was stored")
	}
	if string(g.Read("memory", "stored")) != "x" {
		t.Error("it was not stored")
	}
	g.Fault(apptest.Uploads, apptest.Fault{Cut: apptest.CutFirst})
	if err := write(ctx, b, "nothing", []byte("x")); err == nil || len(g.Objects("memory", "nothing")) != 0 {
		t.Errorf("cut first: %v, %v", err, g.Objects("memory", "nothing"))
	}
	g.Fault(apptest.Reads, apptest.Fault{Cut: apptest.CutBody, Keep: 1000, Times: 1})
	g.Forget()
	got, err := read(ctx, b, "old") // the client asks for the rest by itself
	reads := g.Requests()
	if err != nil || len(got) != 1<<20 || len(reads) != 2 || !reads[0].Fault || reads[1].Fault {
		t.Errorf("read %d bytes, %v, by %+v; want all by a cut read and one for the rest", len(got), err, reads)
	}
}

func TestGCSCorruptAndDelay(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	b, ctx := open(t, g)
	g.Put("memory", "x", []byte("abc"))
	g.Corrupt("memory", "x", func(p []byte) []byte { p[1] ^= 1; return p })
	if got, err := read(ctx, b, "x"); err != nil || string(got) != "acc" {
		t.Errorf("corrupted object reads %q, %v", got, err)
	}
	g.Fault(apptest.Every, apptest.Fault{Delay: time.Hour})
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := read(short, b, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an hour's delay: %v", err)
	}
	g.Heal()
	if g.Delete("memory", "x"); len(g.Objects("memory", "")) != 0 {
		t.Error("deleted, and still there")
	}
}

// TestGCSStoresTheLastPartOnce: who sends the last part again while the first is still being stored gets the same object.
func TestGCSStoresTheLastPartOnce(t *testing.T) {
	g := apptest.StartGCS(t, "memory")
	begun := post(t, g.URL+"/upload/storage/v1/b/memory/o?uploadType=resumable&name=big", "", nil)
	content := bytes.Repeat([]byte("x"), 20<<20)
	answers := make(chan string, 4)
	for range cap(answers) {
		go func() {
			answers <- post(t, begun.Header.Get("Location"), fmt.Sprintf("bytes 0-%d/%d", len(content)-1, len(content)), content).Status
		}()
	}
	for range cap(answers) {
		if got := <-answers; got != "200 OK" {
			t.Error(got)
		}
	}
	if got := g.Read("memory", "big"); !bytes.Equal(got, content) {
		t.Errorf("stored %d bytes", len(got))
	}
}
