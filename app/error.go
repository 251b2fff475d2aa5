package app

import (
	"cmp"
	"errors"
	"fmt"
)

// Code tells machines what kind of failure an Error is. Its text form is part of the JSON contract.
type Code string

// The codes. HTTPStatus and ExitStatus are the one table that maps them.
const (
	CodeFailed      Code = "failed"      // something broke that is not one of the below
	CodeInvalid     Code = "invalid"     // the request or the configuration is wrong
	CodeNotFound    Code = "not_found"   // a file, bucket, machine or restore point is not there
	CodeNotRunning  Code = "not_running" // no agent answers
	CodeSignedOut   Code = "signed_out"  // an account is needed
	CodeRefused     Code = "refused"     // refused for safety
	CodeBusy        Code = "busy"        // another agent or operation holds what is needed
	CodeDenied      Code = "denied"      // the target or the system does not permit it
	CodeUnreachable Code = "unreachable" // the target does not answer
	CodeNoSpace     Code = "no_space"    // a disk or quota is full, here or at the target
	CodeDamaged     Code = "damaged"     // a file or object is not what it should be
	CodeCanceled    Code = "canceled"    // a person or a shutdown ended it
)

type codeRow struct{ http, exit int }

var codeTable = map[Code]codeRow{
	CodeFailed: {500, 1}, CodeInvalid: {400, 2}, CodeNotFound: {404, 1}, CodeNotRunning: {503, 3},
	CodeSignedOut: {401, 4}, CodeRefused: {409, 5}, CodeBusy: {423, 1}, CodeDenied: {403, 1},
	CodeUnreachable: {502, 1}, CodeNoSpace: {507, 1}, CodeDamaged: {422, 1}, CodeCanceled: {499, 1},
}

// HTTPStatus is the status that carries the code over the local API; 500 for an unknown code.
func (c Code) HTTPStatus() int { return c.row().http }

// ExitStatus is the exit status of the command line for the code; 1 for an unknown code.
func (c Code) ExitStatus() int { return c.row().exit }

func (c Code) row() codeRow {
	if r, ok := codeTable[c]; ok {
		return r
	}
	return codeTable[CodeFailed]
}

// Error is a failure as faces show it: one sentence for people, a code for machines, a hint when there is a cure.
type Error struct {
	Code    Code   `json:"code"`
	Op      string `json:"op,omitempty"` // what was being done, e.g. "restore"
	Message string `json:"message"`      // one sentence with its full stop, never a secret or a row's content
	// Hint is the way on as every face can say it: it names no verb and no flag. TypedHint is for who types them, where that
	// says more; a face without a shell leaves it out.
	Hint      string `json:"hint,omitempty"`
	TypedHint string `json:"typed_hint,omitempty"`
	Err       error  `json:"-"` // the cause, for logs
}

// Errorf makes an Error with one formatted sentence.
func Errorf(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, Message: fmt.Sprintf(format, args...)}
}

// WithHint adds what the person can do about it.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// Typed adds the way on in verbs and flags.
func (e *Error) Typed(format string, args ...any) *Error {
	c := *e
	c.TypedHint = fmt.Sprintf(format, args...)
	return &c
}

// InShell is the way on for who types.
func (e *Error) InShell() string { return cmp.Or(e.TypedHint, e.Hint) }

// Wrap adds the cause.
func (e *Error) Wrap(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Error is the sentence, with the cause behind it where it says more.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + " (" + e.Err.Error() + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the outermost Error in err's chain, CodeFailed for any other error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeFailed
}

// AsError returns the outermost Error in err's chain, or wraps err as CodeFailed. It returns nil for nil.
func AsError(op string, err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeFailed, Op: op, Message: err.Error(), Err: err}
}
