package window

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// person answers dialogs with a path; each waits for open first, where there is one.
type person struct {
	path    string
	err     error
	opened  chan struct{}
	answers chan struct{}
	asked   []string
}

func (p *person) answer(kind, title, what string) (string, error) {
	p.asked = append(p.asked, kind+" "+title+" "+what)
	if p.opened != nil {
		close(p.opened)
		<-p.answers
	}
	return p.path, p.err
}

func (p *person) openFile(title, dir string) (string, error)  { return p.answer("open", title, dir) }
func (p *person) saveFile(title, name string) (string, error) { return p.answer("save", title, name) }

func nativeOf(p *person) http.Handler { return (&native{dialogs: p, log: quiet}).handler() }

func post(t *testing.T, h http.Handler, what, body string) (int, string) {
	t.Helper()
	code, _, text := ask(h, request(t, "POST", "/native/"+what, body))
	return code, strings.TrimSpace(text)
}

func TestNativeIsThere(t *testing.T) {
	code, _, text := ask(nativeOf(&person{}), request(t, "GET", "/native", ""))
	if code != 200 || !strings.Contains(text, "save-text") {
		t.Errorf("%d %s", code, text)
	}
	for _, path := range []string{"/native/open-file", "/native/else"} {
		if code, _, _ := ask(nativeOf(&person{}), request(t, "GET", path, "")); code == 200 {
			t.Errorf("GET %s is answered", path)
		}
	}
}

func TestDialogs(t *testing.T) {
	p := &person{path: "/home/mira/key.json"}
	h := nativeOf(p)
	if code, text := post(t, h, "open-file", `{"title":"Choose","dir":"/home"}`); code != 200 || text != `{"path":"/home/mira/key.json"}` {
		t.Errorf("%d %s", code, text)
	}
	p.path = ""
	if code, text := post(t, h, "save-file", `{"title":"Save","name":"../../etc/x.db"}`); code != 200 || text != `{"path":""}` {
		t.Errorf("canceled: %d %s", code, text)
	}
	if want := "open Choose /home, save Save x.db"; strings.Join(p.asked, ", ") != want {
		t.Errorf("asked %q", p.asked)
	}
	p.err = errors.New("no screen")
	if code, text := post(t, h, "open-file", `{}`); code != 500 || text != "no screen" {
		t.Errorf("failed: %d %s", code, text)
	}
	if code, _ := post(t, h, "open-file", `{`); code != 400 {
		t.Errorf("no JSON: %d", code)
	}
}

func TestOneDialogAtATime(t *testing.T) {
	p := &person{path: "/a", opened: make(chan struct{}), answers: make(chan struct{})}
	h := nativeOf(p)
	first := make(chan int, 1)
	go func() {
		code, _ := post(t, h, "open-file", "{}")
		first <- code
	}()
	<-p.opened
	if code, text := post(t, h, "save-file", "{}"); code != 423 || text != "A dialog is open already." {
		t.Errorf("%d %s", code, text)
	}
	close(p.answers)
	if code := <-first; code != 200 {
		t.Errorf("the first: %d", code)
	}
}

const bundle = `{"path":"PATH","files":{"status.json":"{}","agent.log":"a line"}}`

func TestBundleIsSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bundle.zip")
	body := strings.Replace(bundle, "PATH", filepath.ToSlash(path), 1)
	h := nativeOf(&person{path: filepath.ToSlash(path)})
	if code, text := post(t, h, "save-text", body); code != 403 || text != "Nobody chose to save there." {
		t.Errorf("unasked: %d %s", code, text)
	}
	post(t, h, "save-file", `{"name":"bundle.zip"}`)
	if code, text := post(t, h, "save-text", body); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	if got := unzip(t, path); got["agent.log"] != "a line" || got["status.json"] != "{}" || len(got) != 2 {
		t.Errorf("%v", got)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if code, _ := post(t, h, "save-text", body); code != 403 {
		t.Errorf("a choice is good for one file: %d", code)
	}
}

func unzip(t *testing.T, path string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	got := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = string(text)
	}
	return got
}

func TestNothingIsOverwritten(t *testing.T) {
	path := filepath.ToSlash(filepath.Join(t.TempDir(), "mine.txt"))
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := nativeOf(&person{path: path})
	post(t, h, "save-file", "{}")
	if code, text := post(t, h, "save-text", strings.Replace(bundle, "PATH", path, 1)); code != 409 || !strings.Contains(text, "exists already. Choose another name") {
		t.Errorf("%d %s", code, text)
	}
	if text, err := os.ReadFile(path); string(text) != "precious" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestOneTextIsSavedAsItIs(t *testing.T) {
	dir := t.TempDir()
	if err := saveTexts(filepath.Join(dir, "a.txt"), map[string]string{"activity.txt": "copied\n"}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a.txt")); string(text) != "copied\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	hostile := filepath.Join(dir, "b.zip")
	if err := saveTexts(hostile, map[string]string{"../../x": "outside"}); err != nil {
		t.Fatal(err)
	}
	if got := unzip(t, hostile); got["x"] != "outside" {
		t.Errorf("%v", got)
	}
	if err := saveTexts(filepath.Join(dir, "c"), nil); err == nil {
		t.Error("nothing was saved, without a word")
	}
	if _, err := os.Stat(filepath.Join(dir, "c")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file is left: %v", err)
	}
	if err := saveTexts(filepath.Join(dir, "no", "d.txt"), map[string]string{"a": "a"}); err == nil {
		t.Error("a folder that is not there was taken")
	}
}
