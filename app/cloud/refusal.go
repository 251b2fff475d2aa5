package cloud

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// kind is what to do about a request that was not answered as wished.
type kind int

const (
	later    kind = iota // it passes: try again
	newToken             // this token is not taken
	never                // the server will not take this body
	person               // it does not pass by itself
)

// refusal is why a request was not answered as wished.
type refusal struct {
	kind    kind
	cause   string        // one sentence for people
	offline bool          // it is the network
	status  int           // 0 without an answer
	code    string        // of the server's problem document, or of the stream
	after   time.Duration // no sooner than that
	token   string        // that was used
	err     error
}

func (r *refusal) Error() string {
	if r.err != nil {
		return r.cause + " (" + r.err.Error() + ")"
	}
	return r.cause
}

func (r *refusal) Unwrap() error { return r.err }

// refused reads an answer that is no 200.
func refused(a *http.Response, text []byte, token string, now time.Time) *refusal {
	r := &refusal{status: a.StatusCode, token: token, after: retryAfter(a.Header.Get("Retry-After"), now)}
	said := powersync.Refused(a.StatusCode, text)
	r.cause, r.code = said.Cause, cmpOr(problemCode(a, text), said.Code)
	ours := r.code != ""
	switch {
	case a.StatusCode == http.StatusRequestEntityTooLarge, a.StatusCode == http.StatusUnprocessableEntity && ours:
		r.kind = never
	case said.Reaction == powersync.ReactNewToken && (a.StatusCode == http.StatusUnauthorized || ours):
		r.kind = newToken
	case said.Reaction == powersync.ReactFault && ours && a.StatusCode != http.StatusNotFound:
		r.kind = person
	case !ours && a.StatusCode < 500 && a.StatusCode != http.StatusTooManyRequests && a.StatusCode != http.StatusRequestTimeout:
		r.kind, r.cause = later, portal
	}
	return r
}

const portal = "Something else answers in the cloud's place, such as the sign-in page of a network."

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// problemCode is the code of a problem document of our server, "" for anything else.
func problemCode(a *http.Response, text []byte) string {
	var p struct {
		Code string `json:"code"`
	}
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if kind != "application/problem+json" || json.Unmarshal(text, &p) != nil {
		return ""
	}
	return p.Code
}

// longestWait is how long a server may ask to be left alone.
const longestWait = 10 * time.Minute

// retryAfter reads seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), longestWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longestWait)
	}
	return 0
}

// fault tells whether an error needs a person: then it is shown as one, while the engine goes on trying.
func fault(err error) *app.Error {
	var r *refusal
	if errors.As(err, &r) {
		if r.kind != person {
			return nil
		}
		return app.Errorf(app.CodeDenied, op, "%s", r.cause).WithHint("Update the program, or ask who runs the server.").Wrap(err)
	}
	switch app.CodeOf(err) {
	case "", app.CodeCanceled, app.CodeBusy, app.CodeUnreachable, app.CodeSignedOut, app.CodeFailed:
		return nil
	}
	return app.AsError(op, err)
}

// causeOf says in words why something does not go on, and whether it is the network.
func causeOf(err error) (cause string, offline bool) {
	var r *refusal
	if errors.As(err, &r) {
		return r.cause, r.offline
	}
	e := app.AsError(op, err)
	return e.Message, e.Code == app.CodeUnreachable
}

// ends tells whether Run cannot go on with an error.
func ends(err error) bool {
	switch app.CodeOf(err) {
	case app.CodeSignedOut, app.CodeNotFound:
		var r *refusal
		return !errors.As(err, &r)
	}
	return false
}
