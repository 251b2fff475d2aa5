package cli

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/coditect-ai/coditect-sync/app"
)

// ranError is an error of a verb that ran. Everything else that cobra returns is about how it was called.
type ranError struct{ error }

func (e ranError) Unwrap() error { return e.error }

func ran(err error) error {
	if err == nil {
		return nil
	}
	return ranError{err}
}

// asUsage is the error of a verb as it is, and an error of calling it as a sentence with CodeInvalid.
func asUsage(err error) *app.Error {
	if e, ok := errors.AsType[*app.Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[ranError](err); ok {
		return app.AsError("", err)
	}
	return app.Errorf(app.CodeInvalid, "usage", "%s", sentence(err.Error())).WithHint("`coditect-sync --help` lists the verbs, `coditect-sync VERB --help` their flags.")
}

// sentence makes one of a library's error text.
func sentence(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + strings.TrimRight(text[n:], ".") + "."
}

// fail writes what went wrong and returns the exit status.
func (p *program) fail(e *app.Error) int {
	if p.json && !p.answered {
		p.writeJSON(map[string]*app.Error{"error": asTyped(e)})
	}
	p.err.line(wrong.of("%s", e.Message))
	if hint := e.InShell(); hint != "" {
		p.err.line(plain.of("%s", hint))
	}
	if level, err := p.logLevel(); err == nil && level < 0 && e.Err != nil {
		p.err.line(quiet.of("%v", e.Err))
	}
	return e.Code.ExitStatus()
}

// asTyped is an error with the hint that is for who types.
func asTyped(e *app.Error) *app.Error {
	c := *e
	c.Hint, c.TypedHint = e.InShell(), ""
	return &c
}

// needsYes is what a verb that would ask says where nobody can answer.
func needsYes(op, what string) error {
	return app.Errorf(app.CodeInvalid, op, "%s", what).WithHint("Without a terminal nothing asks: add --yes.")
}
