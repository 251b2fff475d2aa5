package meta

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// typed is what only somebody at a shell can do with a hint: a verb of the command line, or a flag.
var typed = regexp.MustCompile("coditect-sync [a-z]|(^|[ (`])--[a-z]")

// TestHintsAreForEveryFace: what the agent says as a hint is shown by the tray and the window too, which have no shell. What
// one types stands in Typed and TypedHint.
func TestHintsAreForEveryFace(t *testing.T) {
	seen := 0
	for _, dir := range []string{"../../app", "../../config"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			// What the command line says itself, nobody else shows; keys.go and access.go speak for the agent.
			case d.IsDir() && d.Name() == "apptest", !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"),
				filepath.Base(filepath.Dir(path)) == "cli" && d.Name() != "keys.go" && d.Name() != "access.go":
				return nil
			}
			n, bad := hintsIn(t, path)
			seen += n
			for _, text := range bad {
				t.Errorf("%s: the hint %s names what is typed: put that into Typed", path, text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 100 {
		t.Errorf("only %d hints were found; are they given in another way now?", seen)
	}
}

// hintsIn counts the hints in a file, and returns those that name what is typed.
func hintsIn(t *testing.T, path string) (n int, bad []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	look := func(e ast.Expr) {
		n++
		if text, ok := e.(*ast.BasicLit); ok && typed.MatchString(strings.Trim(text.Value, "\"`")) {
			bad = append(bad, text.Value)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch is := node.(type) {
		case *ast.CallExpr:
			if f, ok := is.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "WithHint" && len(is.Args) > 0 {
				look(is.Args[0])
			}
		case *ast.KeyValueExpr:
			if k, ok := is.Key.(*ast.Ident); ok && k.Name == "Hint" {
				look(is.Value)
			}
		}
		return true
	})
	return n, bad
}
