package config

import (
	"bytes"
	"cmp"
	_ "embed"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/coditect-ai/coditect-sync/app"
)

//go:embed litestream.yml
var litestreamTemplate string

// litestreamConfig is what the template shows.
type litestreamConfig struct {
	DB     string
	Type   string // the stock tool's name for the kind of storage
	Bucket string // empty for a folder
	Path   string
	// Of an S3 bucket, where the URL says it.
	Endpoint, Region string
	// Of an sftp folder.
	Host, User string
}

// LitestreamYML is a configuration with which the stock litestream restores what this program wrote. dbPath is absolute,
// targetURL is a file, gs, s3 or sftp URL, and prefix is where the machine's copy lives in it: standalone/USER/MACHINE.
// CodeInvalid for a target of another kind.
func LitestreamYML(dbPath, targetURL, prefix string) ([]byte, error) {
	c, err := stockReplica(targetURL, prefix)
	if err != nil {
		return nil, err
	}
	c.DB = dbPath
	t, err := template.New("litestream.yml").
		Funcs(template.FuncMap{"yaml": yamlString}).Parse(litestreamTemplate)
	if err != nil {
		return nil, app.Errorf(app.CodeFailed, "write litestream.yml", "The template of litestream.yml is damaged.").Wrap(err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, c); err != nil {
		return nil, app.AsError("write litestream.yml", err)
	}
	return out.Bytes(), nil
}

func stockReplica(targetURL, prefix string) (litestreamConfig, error) {
	u, err := url.Parse(targetURL)
	if err != nil {
		return litestreamConfig{}, app.Errorf(app.CodeInvalid, "write litestream.yml", "The storage address is not a URL.").Wrap(err)
	}
	switch u.Scheme {
	case "file":
		dir, err := FilePath(targetURL)
		return litestreamConfig{Type: "file", Path: filepath.Join(dir, filepath.FromSlash(prefix))}, err
	case "gs":
		return litestreamConfig{Type: "gs", Bucket: u.Host, Path: strings.TrimPrefix(path.Join(u.Path, prefix), "/")}, nil
	case "s3":
		return litestreamConfig{
			Type: "s3", Bucket: u.Host, Path: strings.TrimPrefix(path.Join(u.Path, prefix, "ltx"), "/"), // which the stock client leaves out
			Endpoint: u.Query().Get("endpoint"), Region: u.Query().Get("region"),
		}, nil
	case "sftp":
		host := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "22"))
		return litestreamConfig{Type: "sftp", Host: host, User: u.User.Username(), Path: path.Join(u.Path, prefix)}, nil
	}
	return litestreamConfig{}, app.Errorf(app.CodeInvalid, "write litestream.yml", "There is no storage of the kind %q.", u.Scheme).
		WithHint("Use file:///folder, gs://bucket/folder, s3://bucket/folder or sftp://user@host/folder.")
}

// FilePath is the absolute path in a file:// URL, as this OS writes it: the reverse of FileURL.
func FilePath(fileURL string) (string, error) {
	u, err := url.Parse(fileURL)
	if err != nil || u.Scheme != "file" || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		return "", app.Errorf(app.CodeInvalid, "read the storage address", "%q is not the address of a folder.", fileURL).
			WithHint("Use file:///folder, with three slashes.")
	}
	if runtime.GOOS == "windows" {
		return filepath.FromSlash(strings.TrimPrefix(u.Path, "/")), nil
	}
	return filepath.Clean(u.Path), nil
}

// yamlString quotes for YAML, whose double-quoted strings take every escape of Go. The dollar is escaped too, because
// the stock tool expands $NAME in the text of the file before it parses it.
func yamlString(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", app.Errorf(app.CodeInvalid, "write litestream.yml", "The path %q is not valid UTF-8, which YAML needs.", s).
			WithHint("Rename the file or folder.")
	}
	return strings.ReplaceAll(strconv.Quote(s), "$", `\x24`), nil
}
