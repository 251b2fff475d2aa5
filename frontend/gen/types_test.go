package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTypesHaveNotDrifted(t *testing.T) {
	want, err := Types("../../app", roots)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../src/api/types.ts")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("src/api/types.ts differs from package app: run `go run ./frontend/gen`")
	}
}

func TestTypesSayWhatJSONSays(t *testing.T) {
	text := generate(t, `package app
// A is one.
type A struct {
	B
	At time.Time `+"`json:\"at,omitzero\"`"+` // when
	Took time.Duration `+"`json:\"took_ns\"`"+`
	Kind Kind `+"`json:\"kind\"`"+`
	List []int64 `+"`json:\"list\"`"+`
	Map map[string]bool `+"`json:\"map,omitempty\"`"+`
	Err error `+"`json:\"-\"`"+`
}
type B struct { C *B `+"`json:\"c,omitempty\"`"+` }
type Kind string
const ( One Kind = "one"; Two Kind = "two" )
`)
	for _, want := range []string{
		"/** A is one. */\nexport interface A extends B {", "/** when */\n  at?: string;", "took_ns: number;", "kind: Kind;",
		"list: number[] | null;", "map?: Record<string, boolean>;", "export interface B {\n  c?: B;\n}",
		`export type Kind = "one" | "two";`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Err") {
		t.Error("a field without JSON is there")
	}
}

func TestTypesRefuseWhatTheyCannotSay(t *testing.T) {
	for _, body := range []string{"A chan int", "A struct{ X int }", "A struct { X chan int `json:\"x\"` }", "A string"} {
		if _, err := Types(folder(t, "package app\ntype "+body), []string{"A"}); err == nil {
			t.Errorf("%s: no error", body)
		}
	}
}

func generate(t *testing.T, source string) string {
	t.Helper()
	text, err := Types(folder(t, source), []string{"A"})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func folder(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
