package config

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"gopkg.in/yaml.v3"
)

// stockConfig has the keys that litestream 0.5.18 reads.
type stockConfig struct {
	Retention struct{ Enabled *bool }
	DBs       []struct {
		Path    string
		Replica map[string]string
	}
}

// readAsStock reads the configuration as the stock tool does: environment variables first, then YAML.
func readAsStock(t *testing.T, raw []byte) (db string, replica map[string]string) {
	t.Helper()
	var c stockConfig
	text := os.Expand(string(raw), func(name string) string { return "expanded-" + name })
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	if len(c.DBs) != 1 || c.Retention.Enabled == nil || *c.Retention.Enabled {
		t.Fatalf("got %+v from\n%s", c, raw)
	}
	return c.DBs[0].Path, c.DBs[0].Replica
}

// TestLitestreamYMLNamesTheOthers: the stock tool knows one replica of a database, so each storage has a file of its own.
func TestLitestreamYMLNamesTheOthers(t *testing.T) {
	raw, err := LitestreamYML("/m/context.db", "gs://bucket/a", prefix, "", "litestream.yml", "litestream-3.yml")
	if err != nil {
		t.Fatal(err)
	}
	if _, replica := readAsStock(t, raw); replica["bucket"] != "bucket" {
		t.Errorf("got %v", replica)
	}
	for _, name := range []string{"litestream.yml", "litestream-3.yml"} {
		if !strings.Contains(string(raw), "-config "+name) {
			t.Errorf("%s is not named in\n%s", name, raw)
		}
	}
}

const prefix = "standalone/mira/0199"

func TestLitestreamYMLOfAFolder(t *testing.T) {
	for _, dir := range []string{
		"/copies", "/with space", "/co:lon", "/#hash", "/da-sh/- item", `/"double"`, "/'single'", `/back\slash`, "/ümlaut/記憶/🧠",
		"/$HOME/${USER}", "/100%", "/{brace}", "/[bracket]", "/a\nb", "/tab\tq", "/del\x7f", "/next\u0085line", "/~", "/{{.DB}}", "/yes: !!no &a *b",
	} {
		raw, err := LitestreamYML(dir+"/context.db", FileURL(dir), prefix, "")
		if err != nil {
			t.Errorf("%q: %v", dir, err)
			continue
		}
		db, replica := readAsStock(t, raw)
		if db != dir+"/context.db" || replica["type"] != "file" || replica["path"] != filepath.Join(dir, prefix) {
			t.Errorf("%q became %q and %q", dir, db, replica)
		}
	}
}

func TestLitestreamYMLOfABucket(t *testing.T) {
	for target, path := range map[string]string{
		"gs://bucket":            prefix,
		"gs://bucket/":           prefix,
		"gs://bucket/a/b":        "a/b/" + prefix,
		"gs://bucket/a%20b/$x/":  "a b/$x/" + prefix,
		"gs://bucket/caf%C3%A9/": "café/" + prefix,
	} {
		raw, err := LitestreamYML("/m/context.db", target, prefix, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, r := readAsStock(t, raw); r["type"] != "gs" || r["bucket"] != "bucket" || r["path"] != path {
			t.Errorf("%s became %q", target, r)
		}
	}
}

func TestLitestreamYMLOfAnS3Bucket(t *testing.T) {
	for target, want := range map[string]map[string]string{
		"s3://bucket/a/b":                    {"path": "a/b/" + prefix + "/ltx"},
		"s3://bucket?region=eu-central-1":    {"path": prefix + "/ltx", "region": "eu-central-1"},
		"s3://bucket?endpoint=https://h:900": {"path": prefix + "/ltx", "endpoint": "https://h:900", "force-path-style": "true"},
	} {
		raw, err := LitestreamYML("/m/context.db", target, prefix, "")
		if err != nil {
			t.Fatal(err)
		}
		want["type"], want["bucket"] = "s3", "bucket"
		if _, r := readAsStock(t, raw); !maps.Equal(r, want) {
			t.Errorf("%s became %q, want %q", target, r, want)
		}
	}
}

func TestLitestreamYMLOfAnSFTPFolder(t *testing.T) {
	for target, want := range map[string]map[string]string{
		"sftp://mira@nas/a%20b":     {"host": "nas:22", "path": "/a b/" + prefix},
		"sftp://mira@[fe80::1]:2/x": {"host": "[fe80::1]:2", "path": "/x/" + prefix},
	} {
		raw, err := LitestreamYML("/m/context.db", target, prefix, "")
		if err != nil {
			t.Fatal(err)
		}
		want["type"], want["user"], want["key-path"] = "sftp", "mira", "expanded-HOME/.ssh/id_ed25519"
		if _, r := readAsStock(t, raw); !maps.Equal(r, want) {
			t.Errorf("%s became %q, want %q", target, r, want)
		}
	}
}

func TestLitestreamYMLRefuses(t *testing.T) {
	for name, c := range map[string]struct{ db, target string }{
		"an unknown kind":   {"/m.db", "ftp://host/x"},
		"no URL":            {"/m.db", "%zz"},
		"a host":            {"/m.db", "file://host/x"},
		"a path not UTF-8":  {"/m\xff.db", "file:///x"},
		"a target of bytes": {"/m.db", "file:///x%ff"},
	} {
		raw, err := LitestreamYML(c.db, c.target, prefix, "")
		if app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%s: %v, %s", name, err, raw)
		}
	}
}

func TestLitestreamYMLSaysHowToUseIt(t *testing.T) {
	raw, err := LitestreamYML("/m/context.db", "file:///copies", prefix, "")
	if err != nil || !strings.Contains(string(raw), "litestream restore -config THIS_FILE -o restored.db") {
		t.Errorf("got %s, %v", raw, err)
	}
}

// TestLitestreamYMLOfEncryptedCopies says how they are downloaded and decrypted, and reads them from there.
func TestLitestreamYMLOfEncryptedCopies(t *testing.T) {
	for target, download := range map[string]string{
		"file:///mnt/it's%20$HOME":                     `cp -a '/mnt/it'\''s $HOME/` + prefix + `' copies`,
		"file:///a%0Ab%C2%85c":                         `cp -a '/a?b?c/` + prefix + `' copies`,
		"gs://bucket/a":                                `mkdir copies && gcloud storage cp -r 'gs://bucket/a/` + prefix + `/*' copies`,
		"s3://bucket?region=eu-1&endpoint=https://h:9": `aws s3 cp --recursive 's3://bucket/` + prefix + `' copies --endpoint-url 'https://h:9' --region 'eu-1'`,
		"sftp://mira@nas:24/a":                         `scp -rp -P 24 'mira@nas:/a/` + prefix + `' copies`,
	} {
		raw, err := LitestreamYML("/m/context.db", target, prefix, "00ff")
		if err != nil {
			t.Fatal(err)
		}
		if _, r := readAsStock(t, raw); r["type"] != "file" || r["path"] != "copies" {
			t.Errorf("%s became %q", target, r)
		}
		for _, want := range []string{"#   " + download + "\n", "recovery key 00ff", "age -d -i key.txt"} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("%s: no %q in\n%s", target, want, raw)
			}
		}
	}
}
