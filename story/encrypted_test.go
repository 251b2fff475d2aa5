package story_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestEncryptedCopies is the whole life of encrypted copies on every kind of storage: programs write, the agent is killed,
// another machine that has the key restores, and so do the age and litestream commands without us. Who looks into the
// storage, or anywhere else, finds neither rows nor the key.
func TestEncryptedCopies(t *testing.T) {
	stock, age := buildStock(t), apptest.BuildTool(t, "filippo.io/age/cmd/age@v1.3.2")
	without := withoutUsSealed{stock: stock, age: age}
	t.Run("folder", func(t *testing.T) {
		copies := filepath.Join(t.TempDir(), "the copies")
		without.live(t, fileURL(copies), copies)
	})
	t.Run("cloud storage", func(t *testing.T) {
		gcs := apptest.StartGCS(t, "memory-backup")
		copies := t.TempDir()
		without.download = func(t *testing.T) {
			for _, o := range gcs.Objects("memory-backup", "mine/") {
				put(t, filepath.Join(copies, strings.TrimPrefix(o.Name, "mine/")), gcs.Read("memory-backup", o.Name))
			}
		}
		without.live(t, "gs://memory-backup/mine", copies, "STORAGE_EMULATOR_HOST="+gcs.URL)
	})
	t.Run("SSH", func(t *testing.T) {
		without.download = nil
		server := apptest.StartSSHD(t)
		target, err := url.Parse(server.Target("copies"))
		if err != nil {
			t.Fatal(err)
		}
		without.live(t, target.String(), target.Path, server.Env()...)
	})
	t.Run("S3", func(t *testing.T) {
		server := apptest.StartS3(t, "memory-backup")
		copies := t.TempDir()
		without.download = func(t *testing.T) {
			for _, o := range server.Objects("memory-backup", "mine/") {
				put(t, filepath.Join(copies, strings.TrimPrefix(o.Name, "mine/")), server.Read("memory-backup", o.Name))
			}
		}
		without.live(t, server.Target("memory-backup/mine"), copies, server.Env()...)
	})
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// withoutUsSealed restores with the commands of other people. download brings what is stored into a folder, where it is not
// in one already.
type withoutUsSealed struct {
	stock, age string
	download   func(t *testing.T)
}

func (w withoutUsSealed) live(t *testing.T, target, copies string, env ...string) {
	db, reference := memory(t)
	env = append(env, "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(t.TempDir(), "no-bus")) // so there is no keychain
	m := newMachine(t, env...)
	key := filepath.Join(t.TempDir(), "recovery.key")
	m.do("setup", "--db", db, "--target", target, "--user", "mira", "--encrypt", "--key-file", key)
	m.start()
	writers := startWriters(t, db)
	m.healthy()
	m.eventually("some history", func() bool { return len(m.points()) > 5 })
	m.kill() // it writes on under our feet
	m.start()
	m.healthy()
	writers.stop()
	m.do("verify")
	id := m.status().MachineID
	m.kill()

	second := newMachine(t, env...)
	restored := filepath.Join(t.TempDir(), "restored.db")
	second.do("setup", "--db", filepath.Join(t.TempDir(), "other.db"), "--target", target, "--key-file", key)
	second.do("restore", "--latest", "--to", restored)
	byHand := w.restore(t, filepath.Join(copies, "standalone", "mira", id), key, db, filepath.Join(m.home, "litestream.yml"))
	files := slices.Concat(byHand, []string{restored})
	out := strings.Split(strings.TrimSpace(ledger(t, append([]string{"check", reference, db}, files...)...)), "\n")
	if bad := slices.DeleteFunc(slices.Clone(out), func(line string) bool { return strings.HasSuffix(line, " ok") }); len(out) != len(files) || len(bad) > 0 {
		t.Error(out)
	}
	found := nothingIsReadable(t, key, db, copies, m.home, second.home)
	t.Logf("%d files looked at, none tells anything", found)
}

// restore does by hand what litestream.yml says, and what encryption.json beside the machine's folder does.
func (w withoutUsSealed) restore(t *testing.T, folder, key, db, config string) (files []string) {
	t.Helper()
	if w.download != nil {
		w.download(t)
	}
	yml, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(folder), "encryption.json"))
	var told struct{ Read []string }
	if err == nil {
		err = json.Unmarshal(text, &told)
	}
	if err != nil || len(told.Read) != 4 {
		t.Fatalf("%v in %s", err, text)
	}
	for _, commands := range []string{
		w.one(t, yml, `(?m)^#   (find .*)$`) + ` && litestream restore -config "$0" -o restored.db "$1"`,
		w.one(t, []byte(told.Read[2]), `^2\. (.*)$`) + " && " + w.one(t, []byte(told.Read[3]), `^3\. (.*)$`),
	} {
		dir := t.TempDir()
		if err := os.CopyFS(filepath.Join(dir, "copies"), os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "key.txt"), text)
		for name, tool := range map[string]string{"age": w.age, "litestream": w.stock} {
			if err := os.Symlink(tool, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.CommandContext(t.Context(), "sh", "-c", commands, config, db)
		c.Dir, c.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", commands, err, out)
		}
		files = append(files, filepath.Join(dir, "restored.db"))
	}
	return files
}

// one is the command in a text.
func (w withoutUsSealed) one(t *testing.T, text []byte, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no command in\n%s", text)
	}
	return string(found[1])
}

// nothingIsReadable looks at every byte of folders for the key, and in the first of them, the storage, for what is in the
// file and for who it is.
func nothingIsReadable(t *testing.T, key, db, copies string, homes ...string) (files int) {
	t.Helper()
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := regexp.MustCompile(`AGE-SECRET-KEY-1([0-9A-Z]+)`).FindSubmatch(text)
	inStorage := [][]byte{[]byte("LTX1\x00\x00\x00"), []byte("SQLite format 3"), []byte("proj_"), []byte("geodetic"), []byte(db), secret[1][:12]}
	if host, err := os.Hostname(); err == nil && len(host) > 5 {
		inStorage = append(inStorage, []byte(host))
	}
	look := func(dir string, words [][]byte) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			files++
			for _, word := range words {
				if bytes.Contains(content, word) || bytes.Contains(bytes.ToUpper(content), word) {
					t.Errorf("%s has %.9q… in it", path, word)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look(copies, inStorage)
	for _, home := range homes {
		look(home, [][]byte{secret[1][:12]})
	}
	return files
}
