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
	"unicode"
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
	// Of encrypted copies: the id of their key, and how they are downloaded to the folder that Path then is.
	Key, Download string
	// Of an S3 bucket, where the URL says it.
	Endpoint, Region string
	// Of an sftp folder.
	Host, User string
	Others     []string // the names of the files for the other storages
}

// LitestreamYML is a configuration with which the stock litestream restores what this program wrote. dbPath is absolute,
// targetURL is a file, gs, s3 or sftp URL, and prefix is where the machine's copy lives in it: standalone/USER/MACHINE.
// key is the id of the recovery key of encrypted copies, which the tool reads once they are decrypted: the file says how.
// CodeInvalid for a target of another kind. The stock tool knows one replica of a database: others are the names of the files
// for the other storages, where there are several.
func LitestreamYML(dbPath, targetURL, prefix, key string, others ...string) ([]byte, error) {
	c, err := stockReplica(targetURL, prefix)
	if err != nil {
		return nil, err
	}
	c.DB, c.Key, c.Others = dbPath, key, others
	if key != "" {
		c = c.decrypted(targetURL, prefix)
	}
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

// decryptedTo is the folder that encrypted copies are downloaded to and decrypted in, beside the person's work.
const decryptedTo = "copies"

// decrypted is the configuration of copies that were downloaded and decrypted.
func (c litestreamConfig) decrypted(targetURL, prefix string) litestreamConfig {
	out := litestreamConfig{DB: c.DB, Key: c.Key, Others: c.Others, Type: "file", Path: decryptedTo}
	at := strings.TrimSuffix(c.Path, "/ltx") // of s3 alone
	switch c.Type {
	case "file":
		out.Download = "cp -a " + shellWord(c.Path) + " " + decryptedTo
	case "gs":
		out.Download = "mkdir " + decryptedTo + " && gcloud storage cp -r " + shellWord("gs://"+c.Bucket+"/"+at+"/*") + " " + decryptedTo
	case "s3":
		out.Download = "aws s3 cp --recursive " + shellWord("s3://"+c.Bucket+"/"+at) + " " + decryptedTo
		if c.Endpoint != "" {
			out.Download += " --endpoint-url " + shellWord(c.Endpoint)
		}
		if c.Region != "" {
			out.Download += " --region " + shellWord(c.Region)
		}
	case "sftp":
		host, port, _ := net.SplitHostPort(c.Host)
		out.Download = "scp -rp -P " + port + " " + shellWord(c.User+"@"+host+":"+at) + " " + decryptedTo
	}
	return out
}

// shellWord quotes for a POSIX shell, on one line of a comment.
func shellWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?' // YAML has no way to say it in a comment
		}
		return r
	}, s)
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
