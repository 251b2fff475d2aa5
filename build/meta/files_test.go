package meta

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const maxLines = 500

// unfinished are words that usually mean that something is missing. They are in two parts so that this file passes.
var unfinished = []string{"TO" + "DO", "FIX" + "ME", "not imple" + "mented", "X" + "XX"}

// TestFiles holds every file of the tree against our manners.
func TestFiles(t *testing.T) {
	root := treeRoot(t)
	private := privateWords(t, root)
	files := treeFiles(t, root)
	if len(files) < 20 {
		t.Fatalf("only %d files found in the tree", len(files))
	}
	for _, path := range files {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems(path, text, private) {
			t.Errorf("%s: %s", path, problem)
		}
	}
}

// problems are the sentences about one file.
func problems(path string, text []byte, private []string) []string {
	var found []string
	for _, word := range private {
		if bytes.Contains(text, []byte(word)) {
			found = append(found, fmt.Sprintf("it names %q, which is of the machine it was written on", word))
		}
	}
	if filepath.Ext(path) != ".go" {
		return found
	}
	for _, word := range unfinished {
		if bytes.Contains(text, []byte(word)) {
			found = append(found, fmt.Sprintf("it says %q", word))
		}
	}
	if lines := bytes.Count(text, []byte("\n")); lines > maxLines && !strings.HasSuffix(path, "_test.go") {
		found = append(found, fmt.Sprintf("it has %d lines, which usually hold two things", lines))
	}
	return append(found, goProblems(path, text)...)
}

func goProblems(path string, text []byte) []string {
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
		found = append(found, "it is not formatted by gofmt")
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, call.Sel.Name) {
			if x, ok := call.X.(*ast.Ident); ok && (x.Name == "t" || x.Name == "b" || x.Name == "tb") {
				found = append(found, "a test is skipped; use a build tag that says where it runs")
			}
		}
		return true
	})
	return found
}

// privateWords are the places of this machine that nothing in the tree may name: the folder that the tree is in and the
// hosts that modules come from here.
func privateWords(t *testing.T, root string) []string {
	t.Helper()
	proxies, err := exec.CommandContext(t.Context(), "go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	words := []string{root + "/"}
	for proxy := range strings.FieldsFuncSeq(string(proxies), func(r rune) bool { return strings.ContainsRune(",| \n", r) }) {
		if _, host, ok := strings.Cut(proxy, "://"); ok {
			words = append(words, strings.TrimRight(host, "/"))
		}
	}
	return words
}

// treeFiles are the files of the tree that are written by hand, by their paths below root.
func treeFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{".git", "node_modules"}, d.Name()) || rel == "build/bin" || rel == "build/tmp") {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() && rel != "go.sum" {
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// treeRoot is the folder with go.mod.
func treeRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestProblemsAreFound(t *testing.T) {
	for _, c := range []struct{ name, path, text, want string }{
		{"a private path", "a.md", "see /srv/tree/x", `"/srv/tree/"`},
		{"unfinished", "a.go", "package a\n\n// " + unfinished[0] + "\n", unfinished[0]},
		{"too long", "a.go", "package a\n" + strings.Repeat("\n// line\n", 251), "lines"},
		{"not formatted", "a.go", "package  a\n", "gofmt"},
		{"not Go", "a.go", "pakage a\n", "expected 'package'"},
		{"skipped", "a_test.go", "package a\n\nfunc TestA(t *testing.T) { t.Skip() }\n", "skipped"},
	} {
		found := strings.Join(problems(c.path, []byte(c.text), []string{"/srv/tree/"}), "\n")
		if !strings.Contains(found, c.want) {
			t.Errorf("%s: found %q", c.name, found)
		}
	}
	if found := problems("a.go", []byte("package a\n"), []string{"/srv/tree/"}); len(found) != 0 {
		t.Errorf("a clean file: %q", found)
	}
}
