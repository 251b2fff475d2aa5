package standalone

import (
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestParseTarget(t *testing.T) {
	good := map[string]location{
		"file:///srv/copies":                     {kind: kindFile, path: "/srv/copies"},
		"file:///srv/my%20copies/":               {kind: kindFile, path: "/srv/my copies"},
		"file://localhost/srv/copies":            {kind: kindFile, path: "/srv/copies"},
		"gs://bucket":                            {kind: kindGCS, bucket: "bucket"},
		"gs://bucket/":                           {kind: kindGCS, bucket: "bucket"},
		"gs://my.bucket_1/a/b/":                  {kind: kindGCS, bucket: "my.bucket_1", path: "a/b"},
		"sftp://mira@nas/srv/copies/":            {kind: kindSFTP, user: "mira", host: "nas", port: "22", path: "/srv/copies"},
		"sftp://mira@[fe80::1]:2222/a%20b/../c":  {kind: kindSFTP, user: "mira", host: "fe80::1", port: "2222", path: "/c"},
		"s3://bucket":                            {kind: kindS3, bucket: "bucket"},
		"s3://my.bucket/a/b?region=eu-central-1": {kind: kindS3, bucket: "my.bucket", path: "a/b", region: "eu-central-1"},
		"s3://bucket/a?endpoint=https://minio.example.com:9000&region=x": {kind: kindS3, bucket: "bucket", path: "a", endpoint: "https://minio.example.com:9000", region: "x"},
		"s3://bucket?endpoint=http%3A%2F%2F192.168.1.5%3A9000":           {kind: kindS3, bucket: "bucket", endpoint: "http://192.168.1.5:9000"},
		"s3://bucket?endpoint=http://nas.local:9000":                     {kind: kindS3, bucket: "bucket", endpoint: "http://nas.local:9000"},
		"s3://bucket?endpoint=http://nas":                                {kind: kindS3, bucket: "bucket", endpoint: "http://nas"},
	}
	for url, want := range good {
		if got, err := parseLocation(url); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", url, got, err, want)
		}
	}
	bad := map[string]string{
		"":                                "kind",
		"/srv/copies":                     "kind",
		"ftp://host/x":                    "ftp://",
		"s3://":                           "bucket",
		"s3://bucket/a//b":                "prefix",
		"s3://key:secret@bucket/x":        "password",
		"s3://bucket?access-key=secret":   "no meaning",
		"s3://bucket?region=":             "once",
		"s3://bucket?region=a&region=b":   "once",
		"s3://bucket?region=%zz":          "cannot be read",
		"s3://bucket?endpoint=minio:9000": "URL of its own",
		"s3://bucket?endpoint=https://u:secret@minio":   "scheme, a host",
		"s3://bucket?endpoint=https://minio/path":       "scheme, a host",
		"s3://bucket?endpoint=http://minio.example.com": "everybody on the way",
		"s3://bucket?endpoint=http://8.8.8.8":           "everybody on the way",
		"s3://bucket/x?secret=secret#y":                 "path",
		"sftp://host/x":                                 "Who logs in",
		"sftp://mira:secret@host/x":                     "no password",
		"sftp://mira:@host/x":                           "no password",
		"sftp://mira@/x":                                "server",
		"sftp://mira@host":                              "root",
		"sftp://mira@host/":                             "root",
		"sftp://mira@host/..":                           "root",
		"sftp://mira@host/x?key=secret":                 "path",
		"sftp://mira:secret@host:bad/x":                 "URL",
		"file://srv/copies":                             "three slashes",
		"file:srv/copies":                               "absolute",
		"file:///":                                      "root",
		"gs://":                                         "bucket",
		"gs:///prefix":                                  "bucket",
		"gs:bucket":                                     "bucket",
		"gs://bucket:80/x":                              "port",
		"gs://bucket/a/../b":                            "prefix",
		"gs://bucket/a//b":                              "prefix",
		"gs://bucket?x=1":                               "path",
		"gs://bucket/x#y":                               "path",
		"gs://user:secret@bucket/x":                     "password",
		"file://user@localhost/srv/x":                   "password",
		"gs://user:secret@bucket:bad/":                  "URL",
		"%zz":                                           "URL",
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
