package apptest

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// GCS is a Google Cloud Storage on loopback, served over real HTTP by fake-gcs-server, its objects in memory. Clients
// of this process find it by Setenv, other programs by URL in STORAGE_EMULATOR_HOST.
//
// It lies in this: it knows no credentials and permits everything (see Deny and Require), it never lists late, and it counts an
// upload in several parts once, at its first request. Unlike fake-gcs-server alone it refuses an upload into a bucket
// that does not exist, and lists in pages. Every request costs it time that grows with the objects in the bucket:
// measure nothing against more than some thousand.
type GCS struct {
	// URL is where it listens, e.g. http://127.0.0.1:40123.
	URL string
	// Page is how many objects a listing holds at most, as on the real one. Change it before the first request.
	Page int

	faults

	t       testing.TB
	server  *fakestorage.Server
	api     http.Handler
	uploads map[string]*parts // by their ids; faults.mu is theirs too
	lets    func(token string) bool
}

// Object is one object as it is stored now.
type Object struct {
	Name string
	Size int64
}

// StartGCS serves until the test ends and makes the buckets.
func StartGCS(t testing.TB, buckets ...string) *GCS {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	g := &GCS{URL: "http://" + ln.Addr().String(), Page: 1000, t: t, faults: faults{closed: make(chan struct{})}, uploads: map[string]*parts{}}
	g.server, err = fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener: true, Scheme: "http", ExternalURL: g.URL, PublicHost: ln.Addr().String(),
	})
	if err != nil {
		t.Fatalf("fake-gcs-server: %v", err)
	}
	g.api = g.server.HTTPHandler()
	g.listen(ln)
	for _, name := range buckets {
		g.CreateBucket(name)
	}
	return g
}

func (g *GCS) listen(ln net.Listener) {
	web := &http.Server{Handler: g}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(ln) // ErrServerClosed, always
	}()
	g.t.Cleanup(func() {
		close(g.closed)
		_ = web.Close()
		<-done
		g.server.Stop()
	})
}

// Setenv points this process's Google clients, and the programs it starts, at g until the test ends.
func (g *GCS) Setenv(t testing.TB) { t.Setenv("STORAGE_EMULATOR_HOST", g.URL) }

// Require lets nobody in without a bearer token that lets is true for. Call it before the first request.
func (g *GCS) Require(lets func(token string) bool) { g.lets = lets }

// CreateBucket makes an empty bucket.
func (g *GCS) CreateBucket(name string) {
	g.server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
}

// HasBucket tells whether there is such a bucket.
func (g *GCS) HasBucket(name string) bool {
	_, err := g.server.Backend().GetBucket(name)
	return err == nil
}

// Objects lists what a bucket holds below prefix, by name.
func (g *GCS) Objects(bucket, prefix string) []Object {
	g.t.Helper()
	found, err := g.server.ListObjectsWithOptionsPaginated(bucket, fakestorage.ListOptions{Prefix: prefix})
	if err != nil {
		g.t.Fatalf("list %s/%s: %v", bucket, prefix, err)
	}
	var list []Object
	for _, a := range found.Objects {
		list = append(list, Object{Name: a.Name, Size: a.Size})
	}
	return list
}

// Read returns an object's content.
func (g *GCS) Read(bucket, name string) []byte {
	g.t.Helper()
	obj, err := g.server.GetObject(bucket, name)
	if err != nil {
		g.t.Fatalf("read %s/%s: %v", bucket, name, err)
	}
	return obj.Content
}

// Put writes an object.
func (g *GCS) Put(bucket, name string, content []byte) {
	g.server.CreateObject(fakestorage.Object{
		ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: name}, Content: content,
	})
}

// Corrupt replaces an object's content by change of a copy of it. The checksums the storage reports fit the new
// content, so that only what is inside the object can tell.
func (g *GCS) Corrupt(bucket, name string, change func([]byte) []byte) {
	g.t.Helper()
	g.Put(bucket, name, change(append([]byte(nil), g.Read(bucket, name)...)))
}

// Delete removes an object.
func (g *GCS) Delete(bucket, name string) {
	g.t.Helper()
	if err := g.server.Backend().DeleteObject(bucket, name); err != nil {
		g.t.Fatalf("delete %s/%s: %v", bucket, name, err)
	}
}

// uploadBucket is the bucket that a request uploads to, else "".
func uploadBucket(r *http.Request) string {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/upload/storage/v1/b/"); ok && r.Method == http.MethodPost {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	return ""
}
