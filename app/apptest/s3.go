package apptest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/xml"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// s3Server is built where it is missing.
const s3Server = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// s3Region is where its buckets are.
const s3Region = "us-east-1"

// S3 is a server that speaks Amazon's protocol, on loopback: versitygw, a process of its own, which verifies signatures
// and keeps objects as files, behind a door that makes requests go wrong. Clients of this process find its keys by
// Setenv, other programs by Env.
//
// It lies in this: it has one pair of keys, which may do everything (see Deny), and it never lists late.
type S3 struct {
	// URL is where it listens, e.g. http://127.0.0.1:40123.
	URL string

	faults

	t              testing.TB
	dir            string // of the buckets
	access, secret string
	empty          string // a file with nothing in it, instead of the machine's own configuration
	proxy          *httputil.ReverseProxy
}

// StartS3 serves until the test ends and makes the buckets.
func StartS3(t testing.TB, buckets ...string) *S3 {
	t.Helper()
	dir, err := os.MkdirTemp("", "s3-") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &S3{
		t: t, dir: filepath.Join(dir, "buckets"), access: "key-" + rand.Text()[:12], secret: rand.Text(), empty: filepath.Join(dir, "empty"),
		faults: faults{closed: make(chan struct{})},
	}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range buckets {
		s.CreateBucket(name)
	}
	socket := filepath.Join(dir, "socket")
	s.run(socket)
	s.listen(socket)
	return s
}

// run starts the server and waits until it accepts.
func (s *S3) run(socket string) {
	s.t.Helper()
	c := exec.Command(BuildTool(s.t, s3Server), "--port", socket, "--region", s3Region, "--keep-alive", "--quiet", "posix", s.dir)
	c.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.access, "ROOT_SECRET_ACCESS_KEY="+s.secret)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		s.t.Fatalf("versitygw: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	s.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			s.t.Fatalf("versitygw ended: %v\n%s", err, said.String())
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("versitygw does not accept: %v", err)
		}
	}
}

func (s *S3) listen(socket string) {
	s.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("listen: %v", err)
	}
	s.URL = "http://" + ln.Addr().String()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	s.proxy = &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: ln.Addr().String()})
		r.Out.Host = r.In.Host // which is signed
	}}
	web := &http.Server{Handler: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(ln) // ErrServerClosed, always
	}()
	s.t.Cleanup(func() {
		close(s.closed)
		_ = web.Close()
		<-done
		transport.CloseIdleConnections()
	})
}

// ServeHTTP implements http.Handler.
func (s *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, s3Class(r), s.proxy.ServeHTTP, s3Error)
}

// Env has its keys for other programs, and keeps them from the machine's own.
func (s *S3) Env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s.access, "AWS_SECRET_ACCESS_KEY=" + s.secret, "AWS_CONFIG_FILE=" + s.empty,
		"AWS_SHARED_CREDENTIALS_FILE=" + s.empty, "AWS_EC2_METADATA_DISABLED=true", "AWS_PROFILE=", "AWS_CA_BUNDLE=", "AWS_REGION=", "AWS_SESSION_TOKEN=",
	}
}

// Setenv gives this process the keys, and the programs it starts, until the test ends.
func (s *S3) Setenv(t testing.TB) {
	for _, pair := range s.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// Access is the id of its key.
func (s *S3) Access() string { return s.access }

// Secret is what nothing may say.
func (s *S3) Secret() string { return s.secret }

// Target is the URL of a storage: a bucket, and perhaps a prefix.
func (s *S3) Target(place string) string { return "s3://" + place + "?endpoint=" + s.URL }

// CreateBucket makes an empty bucket.
func (s *S3) CreateBucket(name string) {
	s.t.Helper()
	if err := os.Mkdir(filepath.Join(s.dir, name), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// Objects lists what a bucket holds below prefix, by name.
func (s *S3) Objects(bucket, prefix string) []Object {
	s.t.Helper()
	var list []Object
	root := filepath.Join(s.dir, bucket)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		name, _ := filepath.Rel(root, path)
		if name = filepath.ToSlash(name); err == nil && strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, ".") {
			list = append(list, Object{Name: name, Size: fi.Size()})
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Read is an object's content.
func (s *S3) Read(bucket, name string) []byte {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, bucket, filepath.FromSlash(name)))
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

// Put writes an object, without metadata.
func (s *S3) Put(bucket, name string, content []byte) {
	s.t.Helper()
	file := filepath.Join(s.dir, bucket, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Unfinished counts the uploads in parts that were begun and neither completed nor taken away.
func (s *S3) Unfinished(bucket string) (n int) {
	found, err := filepath.Glob(filepath.Join(s.dir, bucket, ".sgwtmp", "multipart", "*", "*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(found)
}

// S3Uploads selects what writes objects, and their parts.
func S3Uploads(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Count(r.URL.Path, "/") > 1 || r.Method == http.MethodPost
}

// S3Lists selects listings.
func S3Lists(r *http.Request) bool { return r.URL.Query().Has("list-type") }

// S3Reads selects what reads objects.
func S3Reads(r *http.Request) bool { return s3Class(r) == ClassB }

// s3Class is how Amazon bills a request.
func s3Class(r *http.Request) Class {
	switch {
	case r.Method == http.MethodDelete:
		return ClassFree
	case r.Method == http.MethodHead, r.Method == http.MethodGet && !S3Lists(r):
		return ClassB
	}
	return ClassA
}

// s3Error answers as Amazon does; a status below 300 is a success, for a server that does not do what it says.
func s3Error(w http.ResponseWriter, status int, reason string) {
	if region, ok := strings.CutPrefix(reason, "region="); ok {
		w.Header().Set("X-Amz-Bucket-Region", region)
		reason = "PermanentRedirect"
	}
	w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if status < 300 {
		return
	}
	body, err := xml.Marshal(struct {
		XMLName struct{} `xml:"Error"`
		Code    string
		Message string
	}{Code: reason, Message: http.StatusText(status)})
	if err == nil {
		_, _ = w.Write(body)
	}
}

// BuildTool is the path of a Go program at a pinned version.
func BuildTool(t testing.TB, tool string) string {
	t.Helper()
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	setup := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), "build")
	out, err := exec.Command(filepath.Join(setup, "setup", "tool.sh"), filepath.Join(setup, "bin", "tools"), tool).Output()
	if err != nil {
		t.Fatalf("building %s: %v", tool, err)
	}
	return strings.TrimSpace(string(out))
}
