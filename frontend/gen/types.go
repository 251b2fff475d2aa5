package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// Types is the TypeScript of the root types declared in the Go package in dir, and of all they need.
func Types(dir string, roots []string) (string, error) {
	s, err := parse(dir)
	if err != nil {
		return "", err
	}
	w := writer{source: s, seen: map[string]bool{}}
	w.WriteString("// Written by `go run ./frontend/gen` from the types of package app. A Go test fails when it differs.\n")
	for _, name := range roots {
		w.need(name)
	}
	for len(w.queue) > 0 {
		name := w.queue[0]
		w.queue = w.queue[1:]
		if err := w.declare(name); err != nil {
			return "", err
		}
	}
	return w.String(), nil
}

// source is what a package declares.
type source struct {
	types  map[string]ast.Expr
	docs   map[string]string
	values map[string][]string // constants of a string type
}

func parse(dir string) (source, error) {
	s := source{types: map[string]ast.Expr{}, docs: map[string]string{}, values: map[string][]string{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return s, err
		}
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok {
				s.add(d)
			}
		}
	}
	return s, nil
}

func (s source) add(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.types[spec.Name.Name] = spec.Type
			s.docs[spec.Name.Name] = d.Doc.Text()
		case *ast.ValueSpec:
			s.addValues(d.Tok, spec)
		}
	}
}

func (s source) addValues(tok token.Token, spec *ast.ValueSpec) {
	typ, ok := spec.Type.(*ast.Ident)
	if tok != token.CONST || !ok {
		return
	}
	for _, v := range spec.Values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s.values[typ.Name] = append(s.values[typ.Name], lit.Value)
		}
	}
}

type writer struct {
	strings.Builder
	source
	seen  map[string]bool
	queue []string
}

func (w *writer) need(name string) {
	if !w.seen[name] {
		w.seen[name] = true
		w.queue = append(w.queue, name)
	}
}

func (w *writer) declare(name string) error {
	w.WriteString("\n")
	w.comment("", w.docs[name])
	switch t := w.types[name].(type) {
	case *ast.StructType:
		return w.structure(name, t)
	case *ast.Ident:
		return w.enum(name, t)
	default:
		return fmt.Errorf("%s is neither a struct nor a named word", name)
	}
}

func (w *writer) enum(name string, t *ast.Ident) error {
	values := w.values[name]
	if name == "Secret" { // any text, and no word of ours
		w.WriteString("export type Secret = string;\n")
		return nil
	}
	if t.Name != "string" || len(values) == 0 {
		return fmt.Errorf("%s has no string constants", name)
	}
	fmt.Fprintf(w, "export type %s = %s;\n", name, strings.Join(values, " | "))
	return nil
}

// structure writes an interface; what is embedded becomes what it extends, as encoding/json flattens it.
func (w *writer) structure(name string, t *ast.StructType) error {
	var extends []string
	var body strings.Builder
	for _, f := range t.Fields.List {
		if len(f.Names) == 0 {
			embedded, ok := f.Type.(*ast.Ident)
			if !ok {
				return fmt.Errorf("%s embeds what is not of its package", name)
			}
			w.need(embedded.Name)
			extends = append(extends, embedded.Name)
			continue
		}
		if err := w.field(&body, name, f); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "export interface %s ", name)
	if len(extends) > 0 {
		fmt.Fprintf(w, "extends %s ", strings.Join(extends, ", "))
	}
	fmt.Fprintf(w, "{\n%s}\n", body.String())
	return nil
}

func (w *writer) field(body *strings.Builder, owner string, f *ast.Field) error {
	key, optional, err := jsonKey(f)
	if err != nil || key == "-" {
		return err
	}
	text, err := w.typeOf(f.Type, optional)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", owner, f.Names[0].Name, err)
	}
	mark := ""
	if optional {
		mark = "?"
	}
	comment(body, "  ", f.Doc.Text()+f.Comment.Text())
	fmt.Fprintf(body, "  %s%s: %s;\n", key, mark, text)
	return nil
}

func jsonKey(f *ast.Field) (key string, optional bool, err error) {
	if f.Tag == nil {
		return "", false, fmt.Errorf("%s has no json key", f.Names[0].Name)
	}
	raw, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return "", false, err
	}
	key, options, _ := strings.Cut(reflect.StructTag(raw).Get("json"), ",")
	if key == "" {
		return "", false, fmt.Errorf("%s has no json key", f.Names[0].Name)
	}
	return key, strings.Contains(options, "omit"), nil
}

// typeOf is the type as JSON shows it. A list or map that is not left out when it is nil may be null.
func (w *writer) typeOf(e ast.Expr, optional bool) (string, error) {
	orNull := " | null"
	if optional {
		orNull = ""
	}
	switch t := e.(type) {
	case *ast.StarExpr:
		inner, err := w.typeOf(t.X, true)
		return inner + orNull, err
	case *ast.ArrayType:
		inner, err := w.typeOf(t.Elt, true)
		return inner + "[]" + orNull, err
	case *ast.MapType:
		inner, err := w.typeOf(t.Value, true)
		return "Record<string, " + inner + ">" + orNull, err
	case *ast.SelectorExpr:
		return selected(t)
	case *ast.Ident:
		return w.named(t.Name), nil
	}
	return "", fmt.Errorf("no TypeScript for %T", e)
}

func selected(t *ast.SelectorExpr) (string, error) {
	switch t.Sel.Name {
	case "Time":
		return "string", nil
	case "Duration":
		return "number", nil
	case "RawMessage":
		return "unknown", nil
	}
	return "", fmt.Errorf("no TypeScript for %s", t.Sel.Name)
}

func (w *writer) named(name string) string {
	switch name {
	case "string":
		return "string"
	case "bool":
		return "boolean"
	case "int", "int64", "uint64", "float64":
		return "number"
	}
	w.need(name)
	return name
}

func (w *writer) comment(indent, text string) { comment(&w.Builder, indent, text) }

func comment(to *strings.Builder, indent, text string) {
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(to, "%s/** %s */\n", indent, strings.ReplaceAll(text, "\n", " "))
	}
}
