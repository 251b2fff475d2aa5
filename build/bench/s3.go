//go:build linux

package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const s3Region = "us-east-1"

// s3Server is versitygw on a socket, which keeps objects as files.
type s3Server struct {
	*process
	dir, socket string
}

// startS3 returns once it accepts.
func startS3(program, dir string) (*s3Server, error) {
	access, secret, err := keys()
	if err != nil {
		return nil, err
	}
	short, err := os.MkdirTemp("", "s3-") // the path of a socket must be short
	if err != nil {
		return nil, err
	}
	s := &s3Server{dir: filepath.Join(dir, "buckets"), socket: filepath.Join(short, "socket")}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	c := exec.Command(program, "--port", s.socket, "--region", s3Region, "--keep-alive", "--quiet", "posix", s.dir)
	c.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+access, "ROOT_SECRET_ACCESS_KEY="+secret)
	if s.process, err = start(c, filepath.Join(dir, "s3.log")); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("unix", s.socket); err == nil {
			return s, conn.Close()
		}
	}
	return nil, errors.Join(errors.New("the server of object storage does not accept"), s.stop())
}

func (s *s3Server) stop() error {
	_ = s.process.stop() // it says that it was told to
	return os.RemoveAll(filepath.Dir(s.socket))
}

// door is the way of one program to its bucket, which counts.
type door struct {
	bucket, dir, url string
	web              *http.Server
	done             chan struct{}

	mu    sync.Mutex
	count counts
}

// counts are requests as Amazon and Google bill them: those that write or list, and those that read. Deleting costs nothing.
type counts struct{ writes, reads int64 }

// open makes a bucket and its door.
func (s *s3Server) open(bucket string) (*door, error) {
	d := &door{bucket: bucket, dir: filepath.Join(s.dir, bucket), done: make(chan struct{})}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.url = "http://" + ln.Addr().String()
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.socket)
		}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: ln.Addr().String()})
			r.Out.Host = r.In.Host // which is signed
		},
	}
	d.web = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.note(r)
		proxy.ServeHTTP(w, r)
	})}
	go func() {
		defer close(d.done)
		_ = d.web.Serve(ln) // ErrServerClosed, always
	}()
	return d, nil
}

func (d *door) close() {
	_ = d.web.Close()
	<-d.done
}

func (d *door) note(r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	writes, reads := classOf(r)
	d.count.writes += writes
	d.count.reads += reads
}

func (d *door) counted() counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// classOf tells what a request counts as. A bucket that is read is listed.
func classOf(r *http.Request) (writes, reads int64) {
	_, key, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodDelete, r.Method == http.MethodPost && r.URL.Query().Has("delete"):
		return 0, 0
	case r.Method == http.MethodHead, r.Method == http.MethodGet && key != "":
		return 0, 1
	}
	return 1, 0
}
