package backend

import (
	"errors"
	"fmt"
	"time"
)

// Code is what a client can act on.
type Code string

// The codes of failed requests.
const (
	Internal        Code = "INTERNAL" // a fault of the server's: it is in its log
	Invalid         Code = "INVALID"  // the request is wrong
	TooLarge        Code = "TOO_LARGE"
	Unauthenticated Code = "UNAUTHENTICATED" // no token, or none that is valid
	Denied          Code = "DENIED"          // the token is valid and does not allow this
	NotFound        Code = "NOT_FOUND"
	RateLimited     Code = "RATE_LIMITED"
	Unavailable     Code = "UNAVAILABLE" // later, the same request may succeed
)

// Error is a failed request. Message is one sentence for people, without the content of any row.
type Error struct {
	Code    Code
	Message string
	After   time.Duration // how long a client should wait, where more is known than the code says
	Err     error         // the cause, for the log
}

// Errorf makes an Error with one formatted sentence.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// In adds how long a client should wait.
func (e *Error) In(d time.Duration) *Error {
	c := *e
	c.After = d
	return &c
}

// Wrap adds the cause.
func (e *Error) Wrap(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + " " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of an error, Internal where it has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
