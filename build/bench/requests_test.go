//go:build linux

package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is counted is what is billed: of a list of requests, by what they are.
func TestRequestsAreClassed(t *testing.T) {
	for _, c := range []struct {
		method, url string
		want        counts
	}{
		{http.MethodPut, "/bucket/a/0001.ltx?x-id=PutObject", counts{writes: 1}},
		{http.MethodPost, "/bucket/a?uploads", counts{writes: 1}},
		{http.MethodGet, "/bucket?list-type=2&prefix=a%2F", counts{writes: 1}},
		{http.MethodGet, "/bucket/?list-type=2", counts{writes: 1}},
		{http.MethodGet, "/bucket/a/0001.ltx", counts{reads: 1}},
		{http.MethodHead, "/bucket/a/0001.ltx", counts{reads: 1}},
		{http.MethodDelete, "/bucket/a/0001.ltx", counts{}},
		{http.MethodPost, "/bucket?delete=", counts{}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://127.0.0.1"+c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if writes, reads := classOf(r); (counts{writes, reads}) != c.want {
			t.Errorf("%s %s: %d, %d, want %+v", c.method, c.url, writes, reads, c.want)
		}
	}
}

// A door leads to the server behind it under the name that the caller signed, and counts what goes through.
func TestADoorCounts(t *testing.T) {
	dir, err := os.MkdirTemp("", "door-") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &s3Server{dir: filepath.Join(dir, "buckets"), socket: filepath.Join(dir, "socket")}
	ln, err := net.Listen("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })}
	go func() { _ = web.Serve(ln) }()
	defer func() { _ = web.Close() }()
	d, err := s.open("memory")
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for _, path := range []string{"/memory/a", "/memory/b", "/memory?list-type=2"} {
		res, err := http.Get(d.url + path)
		if err != nil {
			t.Fatal(err)
		}
		host, err := io.ReadAll(res.Body)
		if _ = res.Body.Close(); err != nil || "http://"+string(host) != d.url {
			t.Errorf("the server is called %s, %v", host, err)
		}
	}
	if got := d.counted(); got != (counts{writes: 1, reads: 2}) {
		t.Errorf("%+v", got)
	}
}

// A part of an hour is multiplied, and ours stands beside both of the others.
func TestAnHourIsMadeOfAPart(t *testing.T) {
	var f figures
	for _, b := range []busyHour{
		{"ours", counts{10, 2}, 6, 2}, {asItComes, counts{80, 16}, 8, 2}, {asOurs, counts{20, 4}, 6, 2},
	} {
		b.add(&f, 6*time.Minute)
	}
	for what, want := range map[string][3]float64{
		"requests": {120, 960, 0.125}, "requests, same interval": {120, 240, 0.5},
		"requests that write or list": {100, 800, 0.125}, "stored, busy": {3, 4, 0.75}, "stored, busy, same interval": {3, 3, 1},
	} {
		r, ok := f.ratio(what)
		if got := [3]float64{f.spread(what, "ours").median, f.spread(what, "stock").median, r.median}; !ok || got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}

// The configuration of the stock program says where, and how often if that is asked for.
func TestStockIsGivenTheSameInterval(t *testing.T) {
	for same, want := range map[bool]string{
		false: "dbs:\n  - path: \"DB\"\n    replica:\n      type: s3\n      bucket: \"b\"\n      path: memory\n      endpoint: \"http://127.0.0.1:1\"\n      region: us-east-1\n      force-path-style: true\n",
		true: "dbs:\n  - path: \"DB\"\n    monitor-interval: 5s\n    replica:\n      type: s3\n      bucket: \"b\"\n      path: memory\n      endpoint: \"http://127.0.0.1:1\"\n" +
			"      region: us-east-1\n      force-path-style: true\n      sync-interval: 5s\n",
	} {
		dir := t.TempDir()
		s, err := stockOnS3("litestream", dir, &door{bucket: "b", url: "http://127.0.0.1:1"}, same)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "litestream.yml"))
		if got := string(text); err != nil || got != strings.Replace(want, "DB", s.db, 1) {
			t.Errorf("%v: %v\n%s", same, err, got)
		}
	}
}
