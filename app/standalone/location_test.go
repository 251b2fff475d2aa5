package standalone

import (
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestParseTarget(t *testing.T) {
	good := map[string]location{
		"file:///srv/copies":          {kind: kindFile, path: "/srv/copies"},
		"file:///srv/my%20copies/":    {kind: kindFile, path: "/srv/my copies"},
		"file://localhost/srv/copies": {kind: kindFile, path: "/srv/copies"},
		"gs://bucket":                 {kind: kindGCS, bucket: "bucket"},
		"gs://bucket/":                {kind: kindGCS, bucket: "bucket"},
		"gs://my.bucket_1/a/b/":       {kind: kindGCS, bucket: "my.bucket_1", path: "a/b"},
	}
	for url, want := range good {
		if got, err := parseLocation(url); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", url, got, err, want)
		}
	}
	bad := map[string]string{
		"":                             "kind",
		"/srv/copies":                  "kind",
		"ftp://host/x":                 "ftp://",
		"s3://bucket/x":                "not there yet",
		"sftp://host/x":                "not there yet",
		"file://srv/copies":            "three slashes",
		"file:srv/copies":              "absolute",
		"file:///":                     "root",
		"gs://":                        "bucket",
		"gs:///prefix":                 "bucket",
		"gs:bucket":                    "bucket",
		"gs://bucket:80/x":             "port",
		"gs://bucket/a/../b":           "prefix",
		"gs://bucket/a//b":             "prefix",
		"gs://bucket?x=1":              "path",
		"gs://bucket/x#y":              "path",
		"gs://user:secret@bucket/x":    "password",
		"file://user@localhost/srv/x":  "password",
		"gs://user:secret@bucket:bad/": "URL",
		"%zz":                          "URL",
	}
	for url, word := range bad {
		err := ParseTarget(url)
		if app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%s: %v", url, err)
			continue
		}
		e := app.AsError("", err)
		if !strings.Contains(e.Message, word) || e.Hint == "" || strings.Contains(e.Message, "secret") {
			t.Errorf("%s: %q (%q), want %q in it", url, e.Message, e.Hint, word)
		}
	}
}
