package standalone

import (
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// The kinds of target.
const (
	kindFile = "file"
	kindGCS  = "gs"
)

const (
	urlHint     = "Use file:///absolute/folder or gs://bucket/prefix."
	secretsHint = "Leave it out: keys are given with --credentials and never kept in a URL."
)

// location is a parsed target URL: a folder, or a bucket with a prefix (without slashes around it, may be empty).
type location struct{ kind, bucket, path string }

// ParseTarget checks a target URL without touching the target. The error is CodeInvalid.
func ParseTarget(raw string) error {
	_, err := parseLocation(raw)
	return err
}

func parseLocation(raw string) (location, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return location{}, invalidTarget("%q is not a URL.", redact(raw)).Wrap(err)
	}
	if u.User != nil {
		return location{}, invalidTarget("A storage URL holds no user name and no password.").WithHint(secretsHint)
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return location{}, invalidTarget("A storage URL ends with its path: ? and # have no meaning in it.")
	}
	switch u.Scheme {
	case kindFile:
		return fileLocation(u)
	case kindGCS:
		return bucketLocation(u)
	case "s3", "sftp":
		return location{}, invalidTarget("Storage of the kind %s:// is not there yet.", u.Scheme)
	case "":
		return location{}, invalidTarget("%q does not say what kind of storage it is.", raw)
	}
	return location{}, invalidTarget("There is no storage of the kind %s://.", u.Scheme)
}

func fileLocation(u *url.URL) (location, error) {
	if u.Host != "" && u.Host != "localhost" {
		return location{}, invalidTarget("A file URL needs three slashes: file:///%s%s.", u.Host, u.Path)
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	path = filepath.FromSlash(path)
	if u.Opaque != "" || !filepath.IsAbs(path) {
		return location{}, invalidTarget("The folder of a file URL must be absolute.")
	}
	if path = filepath.Clean(path); filepath.Dir(path) == path {
		return location{}, invalidTarget("The root of a disk cannot be the storage.").WithHint("Name a folder on it.")
	}
	return location{kind: kindFile, path: path}, nil
}

func bucketLocation(u *url.URL) (location, error) {
	if u.Host == "" || u.Opaque != "" {
		return location{}, invalidTarget("The bucket's name is missing.")
	}
	if u.Port() != "" {
		return location{}, invalidTarget("A bucket has no port.")
	}
	prefix := strings.Trim(u.Path, "/")
	for part := range strings.SplitSeq(prefix, "/") {
		if prefix != "" && (part == "" || part == "." || part == "..") {
			return location{}, invalidTarget("The prefix %q cannot be used.", prefix)
		}
	}
	return location{kind: kindGCS, bucket: u.Host, path: prefix}, nil
}

func invalidTarget(format string, args ...any) *app.Error {
	return app.Errorf(app.CodeInvalid, "target", format, args...).WithHint(urlHint)
}

// redact keeps what cannot be a secret of something that was meant as a URL.
func redact(raw string) string {
	if scheme, rest, ok := strings.Cut(raw, "://"); ok {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			return scheme + "://…" + rest[i:]
		}
	}
	return raw
}

// name is how people call the place.
func (l location) name() string {
	if l.kind == kindGCS {
		return "the bucket \"" + l.bucket + "\""
	}
	return l.path
}
