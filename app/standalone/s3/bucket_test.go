package s3

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

func start(t *testing.T) (*Bucket, *apptest.S3) {
	t.Helper()
	server := apptest.StartS3(t, "memory")
	server.Setenv(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return New(Config{Bucket: "memory", Prefix: "some/where", Endpoint: server.URL, Transport: transport}), server
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func name(i int) string { return fmt.Sprintf("%016x.json", i) }

// in writes a content piece by piece, as a stream would come.
func in(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(b)}, make([]byte, 70_000))
		return err
	}
}

func read(t *testing.T, b *Bucket, key string) []byte {
	t.Helper()
	r, err := b.Open(t.Context(), key, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestUploadIsBounded: however large an object is, no more than a part of it is sent, and so held, at once.
func TestUploadIsBounded(t *testing.T) {
	b, server := start(t)
	want := random(4*MinPart + 12345)
	if n, err := b.Put(t.Context(), "large", time.Now(), in(want)); err != nil || n != int64(len(want)) {
		t.Fatalf("%d, %v", n, err)
	}
	parts := 0
	for _, r := range server.Requests() {
		if r.Size > MinPart {
			t.Errorf("%s %s has %d bytes", r.Method, r.Path, r.Size)
		}
		if r.Method == http.MethodPut {
			parts++
		}
	}
	if parts != 5 || !bytes.Equal(read(t, b, "large"), want) {
		t.Errorf("%d parts, or another content", parts)
	}
}

// TestPartsGrow: S3 takes 10,000 parts of an object, which must be enough for any.
func TestPartsGrow(t *testing.T) {
	total, u := int64(0), &upload{}
	for range 10_000 {
		total += int64(u.partSize())
		u.parts = append(u.parts, types.CompletedPart{})
	}
	if total < 1<<40 {
		t.Errorf("the largest object has %d bytes", total)
	}
}

// TestFailedUploadLeavesNothing: neither an object nor parts that would be paid for.
func TestFailedUploadLeavesNothing(t *testing.T) {
	b, server := start(t)
	boom := errors.New("boom")
	_, err := b.Put(t.Context(), "x", time.Time{}, func(w io.Writer) error { return errors.Join(in(random(2*MinPart+1))(w), boom) })
	if !errors.Is(err, boom) {
		t.Errorf("a source that breaks: %v", err)
	}
	lift := server.Fault(apptest.On(http.MethodPut, "partNumber=2"), apptest.Fault{Status: 403, Reason: "AccessDenied"})
	if _, err := b.Put(t.Context(), "x", time.Time{}, in(random(2*MinPart+1))); KindOf(err) != Denied {
		t.Errorf("a part that is refused: %v", err)
	}
	lift()
	if n, left := server.Unfinished("memory"), server.Objects("memory", ""); n != 0 || len(left) != 0 {
		t.Errorf("left behind: %d uploads, %+v", n, left)
	}
}

// TestSweep: what killed programs left below a folder goes, but for what is younger, what is elsewhere, and what this one is
// sending at the moment.
func TestSweep(t *testing.T) {
	b, server := start(t)
	killed := func(key string) {
		up := New(b.cfg).begin(key, nil)
		if err := up.send(t.Context(), random(MinPart)); err != nil {
			t.Fatal(err)
		}
	}
	killed("u/m/ltx/x")
	killed("u/m/y")
	killed("u/m2/x")
	killed("other")
	if left, err := b.Sweep(t.Context(), "u/m", time.Now().Add(-time.Hour)); left != 2 || err != nil || server.Unfinished("memory") != 4 {
		t.Errorf("of an hour ago: %d left, %v; %d unfinished", left, err, server.Unfinished("memory"))
	}
	want := random(2*MinPart + 1)
	_, err := b.Put(t.Context(), "u/m/z", time.Time{}, func(w io.Writer) error {
		if err := in(want[:2*MinPart])(w); err != nil {
			return err
		}
		if left, err := b.Sweep(t.Context(), "u/m", time.Now().Add(time.Hour)); left != 0 || err != nil || server.Unfinished("memory") != 3 {
			t.Errorf("of an hour from now: %d left, %v; %d unfinished", left, err, server.Unfinished("memory"))
		}
		return in(want[2*MinPart:])(w)
	})
	if err != nil || !bytes.Equal(read(t, b, "u/m/z"), want) || server.Unfinished("memory") != 2 {
		t.Errorf("the upload under way: %v; %d unfinished", err, server.Unfinished("memory"))
	}
}

// TestLostReplies: what was done although the reply was lost is done once and found.
func TestLostReplies(t *testing.T) {
	b, server := start(t)
	want := random(2*MinPart + 1)
	for _, match := range []apptest.Match{
		apptest.On(http.MethodPost, "uploads"), apptest.On(http.MethodPut, "partNumber=2"), apptest.On(http.MethodPost, "uploadId"),
	} {
		server.Fault(match, apptest.Fault{Cut: apptest.CutReply, Times: 1})
		if _, err := b.Put(t.Context(), "x", time.Time{}, in(want)); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(read(t, b, "x"), want) {
			t.Error("another content")
		}
		if err := b.Remove(t.Context(), "x"); err != nil {
			t.Error(err)
		}
	}
}

func TestLargeCopyGoesInParts(t *testing.T) {
	b, server := start(t)
	at, want := time.UnixMilli(1_700_000_000_123).UTC(), random(2*MinPart+1)
	if _, err := b.Put(t.Context(), "a b+ü", at, in(want)); err != nil {
		t.Fatal(err)
	}
	for name, limit := range map[string]int64{"whole": copyLimit, "parts": MinPart} {
		b.copyLimit, b.copyPart = limit, MinPart
		server.Forget()
		if err := b.Copy(t.Context(), "a b+ü", name+"/x"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range server.Requests() {
			if r.Size > 10_000 {
				t.Errorf("%s: %s %s sends %d bytes", name, r.Method, r.Path, r.Size)
			}
		}
		for o, err := range New(b.cfg).List(t.Context(), name, "") {
			if err != nil || o.Name != "x" || !o.At.Equal(at) || o.Size != int64(len(want)) {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		}
		if !bytes.Equal(read(t, b, name+"/x"), want) {
			t.Errorf("%s: another content", name)
		}
	}
}

// TestListsInPages: more objects than a listing holds, from a name on, without what is in folders.
func TestListsInPages(t *testing.T) {
	b, server := start(t)
	const n = 1005
	for i := range n {
		server.Put("memory", "some/where/ltx/"+name(i), []byte("x"))
	}
	server.Put("memory", "some/where/ltx/inner/x", []byte("x"))
	count, first := 0, ""
	for o, err := range b.List(t.Context(), "ltx", name(3)) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; first == "" {
			first = o.Name
		}
	}
	if count != n-3 || first != name(3) {
		t.Errorf("%d objects, from %q", count, first)
	}
}

func TestClaimsOnce(t *testing.T) {
	b, server := start(t)
	server.Fault(apptest.On(http.MethodPut, ""), apptest.Fault{Status: 409, Reason: "ConditionalRequestConflict", Times: 1})
	if err := b.Claim(t.Context(), "lease", []byte("me")); err != nil {
		t.Errorf("after another's attempt that failed: %v", err)
	}
	if err := b.Claim(t.Context(), "lease", []byte("you")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if got := read(t, b, "lease"); string(got) != "me" {
		t.Errorf("it is %q's", got)
	}
	server.Fault(apptest.On(http.MethodPut, ""), apptest.Fault{Status: 409, Reason: "ConditionalRequestConflict"})
	if err := b.Claim(t.Context(), "another", []byte("me")); KindOf(err) != Conflict {
		t.Errorf("while others go on trying: %v", err)
	}
}
