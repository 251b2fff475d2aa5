package standalone

import (
	"cmp"
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// The kinds of target.
const (
	kindFile = "file"
	kindGCS  = "gs"
	kindS3   = "s3"
	kindSFTP = "sftp"
)

const (
	urlHint = "Use file:///absolute/folder, gs://bucket/prefix, s3://bucket/prefix or sftp://user@host/folder."
)

// location is a parsed target URL: a folder, or a bucket with a prefix (without slashes around it, may be empty). Of an s3
// bucket the endpoint is the URL of a server that is not Amazon's; an sftp folder has a user, a host and a port.
type location struct{ kind, bucket, path, endpoint, region, user, host, port string }

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
	if u.Scheme == kindSFTP {
		return sftpLocation(u)
	}
	if u.User != nil {
		return location{}, invalidTarget("A storage URL holds no user name and no password.").
			WithHint("Leave it out: a key is given apart, and never kept in a URL.").
			Typed("Leave it out: keys are given with --credentials and never kept in a URL.")
	}
	if u.Scheme != kindS3 && (u.RawQuery != "" || u.ForceQuery) || u.Fragment != "" {
		return location{}, invalidTarget("A storage URL ends with its path: ? and # have no meaning in it.")
	}
	switch u.Scheme {
	case kindFile:
		return fileLocation(u)
	case kindGCS:
		return bucketLocation(u)
	case kindS3:
		return s3Location(u)
	case "":
		return location{}, invalidTarget("%q does not say what kind of storage it is.", raw)
	}
	return location{}, invalidTarget("There is no storage of the kind %s://.", u.Scheme)
}

func fileLocation(u *url.URL) (location, error) {
	if u.Host != "" && u.Host != "localhost" {
		return location{}, invalidTarget("A file URL needs three slashes: file:///%s%s.", u.Host, u.Path)
	}
	folder := u.Path
	if runtime.GOOS == "windows" {
		folder = strings.TrimPrefix(folder, "/")
	}
	folder = filepath.FromSlash(folder)
	if u.Opaque != "" || !filepath.IsAbs(folder) {
		return location{}, invalidTarget("The folder of a file URL must be absolute.")
	}
	if folder = filepath.Clean(folder); filepath.Dir(folder) == folder {
		return location{}, invalidTarget("The root of a disk cannot be the storage.").WithHint("Name a folder on it.")
	}
	return location{kind: kindFile, path: folder}, nil
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
	return location{kind: u.Scheme, bucket: u.Host, path: prefix}, nil
}

// s3Location reads ?endpoint=URL&region=NAME, as the litestream program does.
func s3Location(u *url.URL) (location, error) {
	l, err := bucketLocation(u)
	if err != nil {
		return location{}, err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return location{}, invalidTarget("What follows ? in the storage URL cannot be read.")
	}
	for name, values := range query {
		switch {
		case name != "endpoint" && name != "region":
			return location{}, invalidTarget("%q has no meaning in a storage URL.", name).WithHint("Only ?endpoint= and region= have one. " + s3SecretsHint)
		case len(values) != 1 || values[0] == "":
			return location{}, invalidTarget("A storage URL says %s once.", name)
		}
	}
	l.endpoint, l.region = query.Get("endpoint"), query.Get("region")
	return l, checkEndpoint(l.endpoint)
}

// s3SecretsHint does not go through a format: it has no place for what was in the URL.
const s3SecretsHint = "Keys never belong there: they are found where AWS tools keep them, as in ~/.aws/credentials."

// checkEndpoint wants https, so that nobody on the way reads the copies; but on this machine and in one's own network.
func checkEndpoint(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return invalidTarget("The endpoint of a storage URL is a URL of its own.").WithHint("Such as ?endpoint=https://storage.example.com:9000")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return invalidTarget("An endpoint is a scheme, a host and perhaps a port.").WithHint(s3SecretsHint)
	case u.Scheme == "http" && !isNear(u.Hostname()):
		return invalidTarget("Over http everybody on the way to %s could read the copies.", u.Hostname()).WithHint("Use https in the endpoint.")
	}
	return nil
}

// isNear tells that a host is this machine or in the own network, as far as its name says.
func isNear(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return slices.Contains([]string{host, "localhost", "local", "lan", "internal", "arpa"}, last)
}

// sftpLocation reads sftp://user@host[:port]/folder.
func sftpLocation(u *url.URL) (location, error) {
	if _, has := u.User.Password(); has {
		return location{}, invalidTarget("A storage URL holds no password.").
			WithHint("Leave it out, and put a key of yours on the server: ssh-copy-id does it. Keys are those of the ssh agent and of ~/.ssh.")
	}
	folder := path.Clean(u.Path)
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return location{}, invalidTarget("A storage URL ends with its path: ? and # have no meaning in it.")
	case u.Hostname() == "":
		return location{}, invalidTarget("The name of the server is missing.")
	case u.User.Username() == "":
		return location{}, invalidTarget("Who logs in to %s is missing.", u.Host).WithHint("Use sftp://user@host/folder.")
	case !path.IsAbs(folder) || folder == "/":
		return location{}, invalidTarget("The root of a server cannot be the storage.").WithHint("Name a folder on it: sftp://user@host/folder.")
	}
	return location{kind: kindSFTP, path: folder, user: u.User.Username(), host: u.Hostname(), port: cmp.Or(u.Port(), "22")}, nil
}

func invalidTarget(format string, args ...any) *app.Error {
	return app.Errorf(app.CodeInvalid, "target", format, args...).WithHint(urlHint)
}

// redact keeps what cannot be a secret of something that was meant as a URL.
func redact(raw string) string {
	raw, _, _ = strings.Cut(raw, "?")
	if scheme, rest, ok := strings.Cut(raw, "://"); ok {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			return scheme + "://…" + rest[i:]
		}
	}
	return raw
}

// name is how people call the place.
func (l location) name() string {
	switch l.kind {
	case kindFile:
		return l.path
	case kindSFTP:
		return l.path + " at " + l.host
	}
	return "the bucket \"" + l.bucket + "\""
}
