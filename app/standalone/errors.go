package standalone

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"

	"cloud.google.com/go/storage"
	"github.com/benbjohnson/litestream"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/coditect-ai/coditect-sync/app"
)

// right is what a caller needs to be allowed at a target.
type right string

const (
	rightRead   right = "read"
	rightWrite  right = "write"
	rightList   right = "list"
	rightDelete right = "delete"
	rightCreate right = "create buckets"
)

// accessError is a failure at a target: what was tried, and where.
type accessError struct {
	need  right
	place string // how people call the target
	key   string
	err   error
}

func (e *accessError) Error() string { return string(e.need) + " " + e.key + ": " + e.err.Error() }
func (e *accessError) Unwrap() error { return e.err }

// credentialsError says why there are no usable credentials. It does not unwrap: a key file that is missing must not look
// like an object that is.
type credentialsError struct {
	say *app.Error
	err error
}

func (e *credentialsError) Error() string { return e.say.Message + ": " + e.err.Error() }

// errNoPlace is wrapped by failures where the folder or bucket of a target itself is missing.
var errNoPlace = errors.New("the target is not there")

// classify turns a failure of a target or disk into an Error with a code and one plain sentence. An *app.Error in the
// chain is returned as it is; nil gives nil. What it does not know is CodeFailed with the error's own text.
func classify(op string, err error) *app.Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*app.Error](err); ok {
		return e
	}
	access, _ := errors.AsType[*accessError](err)
	if access == nil {
		access = &accessError{place: "the disk"}
	}
	for _, known := range []func(*accessError, error) *app.Error{ofContext, ofSource, ofContent, ofPlace, ofCredentials, ofAPI, ofS3, ofSFTP, ofNetwork, ofSystem, ofRemote, ofAccess} {
		if e := known(access, err); e != nil {
			e.Op, e.Err = op, err
			return e
		}
	}
	return app.AsError(op, err)
}

func ofContext(_ *accessError, err error) *app.Error {
	if errors.Is(err, context.Canceled) {
		return app.Errorf(app.CodeCanceled, "", "Stopped before it was done.")
	}
	return nil
}

// ofSource knows what was broken before it went up.
func ofSource(_ *accessError, err error) *app.Error {
	if errors.Is(err, errSource) {
		return app.Errorf(app.CodeDamaged, "", "A change that was recorded here is damaged and cannot be copied.").
			WithHint("A new full copy is made by itself. Check this disk if it happens again.")
	}
	return nil
}

// ofContent knows objects that do not open. Of copies more is said, by who knows which of them are good.
func ofContent(a *accessError, err error) *app.Error {
	fault, ok := errors.AsType[*decodeError](err)
	if !ok || a.key == "" {
		return nil
	}
	return app.Errorf(app.CodeDamaged, "", "The object %s in %s %s.", a.key, a.place, fault.what).
		WithHint("Somebody or something changed it in the storage. Have it put back, or begin anew in another place.").
		Typed("Somebody or something changed it in the storage. Have it put back, or begin anew in another place with `coditect-sync setup --target URL`.")
}

// ofPlace knows missing buckets, folders and objects.
func ofPlace(a *accessError, err error) *app.Error {
	switch {
	case errors.Is(err, storage.ErrBucketNotExist):
		return noBucket(a)
	case errors.Is(err, errNoPlace):
		return app.Errorf(app.CodeNotFound, "", "There is no folder %s.", a.place).
			WithHint("Connect the disk it is on, or make its parent folder.")
	case a.key != "" && errors.Is(err, fs.ErrNotExist):
		return app.Errorf(app.CodeNotFound, "", "The object %s is missing in %s.", a.key, a.place).
			WithHint("Prove it now: what is missing is copied again.").Typed("Run `coditect-sync verify`: what is missing is copied again.")
	}
	return nil
}

func noBucket(a *accessError) *app.Error {
	return app.Errorf(app.CodeNotFound, "", "There is no %s.", strings.TrimPrefix(a.place, "the ")).
		WithHint("Check the name, or create it.").Typed("Check the name, or create it: add --create.")
}

// capital is a place's name at the beginning of a sentence.
func capital(place string) string {
	if rest, ok := strings.CutPrefix(place, "the "); ok {
		return "The " + rest
	}
	return place
}

func ofCredentials(_ *accessError, err error) *app.Error {
	if e, ok := errors.AsType[*credentialsError](err); ok {
		say := *e.say
		return &say
	}
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return nil
	}
	if e.Response != nil && e.Response.StatusCode >= http.StatusInternalServerError {
		return app.Errorf(app.CodeUnreachable, "", "Google's sign-in does not answer.").WithHint(retryHint)
	}
	return noCredentials("Google does not accept these credentials any more.")
}

func noCredentials(message string) *app.Error {
	return app.Errorf(app.CodeDenied, "", "%s", message).WithHint("Sign in with Google, choose a key file, or run: gcloud auth application-default login").
		Typed("Sign in with --sign-in google, give a key file with --credentials, or run: gcloud auth application-default login")
}

const retryHint = "Try again when it does. Copying goes on by itself."

// ofAPI knows what Cloud Storage answers.
func ofAPI(a *accessError, err error) *app.Error {
	e, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return nil
	}
	switch {
	case e.Code == http.StatusUnauthorized:
		return noCredentials("Your storage does not know these credentials.")
	case e.Code == http.StatusInsufficientStorage || hasReason(e, "quotaExceeded", "storageQuotaExceeded"):
		return app.Errorf(app.CodeNoSpace, "", "Your storage is full: %s has no quota left.", a.place).
			WithHint("Raise the quota, or choose another storage.")
	case e.Code == http.StatusForbidden && hasReason(e, "rateLimitExceeded", "userRateLimitExceeded"),
		e.Code == http.StatusTooManyRequests, e.Code == http.StatusRequestTimeout, e.Code >= http.StatusInternalServerError:
		return app.Errorf(app.CodeUnreachable, "", "Your storage answers with error %d at the moment.", e.Code).WithHint(retryHint)
	case e.Code == http.StatusForbidden && hasReason(e, "accountDisabled", "billingNotEnabled", "UserProjectAccountProblem"):
		return app.Errorf(app.CodeDenied, "", "The account behind %s is closed or not paid for.", a.place).
			WithHint("Look at billing in the Google Cloud console.")
	case e.Code == http.StatusForbidden && hasReason(e, "retentionPolicyNotMet"): // a hold is called a missing right there
		return app.Errorf(app.CodeDenied, "", "A retention policy lets nothing be deleted or replaced in %s.", a.place).
			WithHint("Take the policy off, or choose another storage.")
	case e.Code == http.StatusForbidden:
		return denied(a)
	case e.Code == http.StatusNotFound:
		return noBucket(a)
	}
	return nil
}

func hasReason(e *googleapi.Error, reasons ...string) bool {
	for _, item := range e.Errors {
		for _, r := range reasons {
			if item.Reason == r {
				return true
			}
		}
	}
	return false
}

func denied(a *accessError) *app.Error {
	e := app.Errorf(app.CodeDenied, "", "These credentials may not %s in %s.", a.need, a.place)
	if a.need == rightCreate {
		e = app.Errorf(app.CodeDenied, "", "These credentials may not create %s.", a.place)
		return e.WithHint("Create it in the Google Cloud console, or give the role Storage Admin.")
	}
	return e.WithHint("Give them the role Storage Object User on it, then test again.")
}

// ofSystem knows what an operating system answers about files.
func ofSystem(a *accessError, err error) *app.Error {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return nil
	}
	where := a.place
	folder := where
	if p, ok := errors.AsType[*fs.PathError](err); ok && a.need == "" {
		where, folder = p.Path, folderOf(p.Path)
	}
	switch {
	case isAny(errno, fullErrnos):
		return app.Errorf(app.CodeNoSpace, "", "There is no space left on the disk of %s.", folder).
			WithHint("Free some, or choose another place.")
	case isAny(errno, readOnlyErrnos):
		return app.Errorf(app.CodeDenied, "", "The disk of %s can only be read.", folder).
			WithHint("Mount it for writing, or choose another place.")
	case errno.Is(fs.ErrPermission):
		return app.Errorf(app.CodeDenied, "", "You may not %s in %s.", needed(a), where).
			WithHint("Give your user the right to, or choose another place.")
	case isAny(errno, goneErrnos):
		return app.Errorf(app.CodeUnreachable, "", "The disk of %s does not answer.", where).
			WithHint("Connect it again. Copying goes on by itself.")
	case errno.Is(fs.ErrNotExist):
		return app.Errorf(app.CodeNotFound, "", "%s is not there.", where).WithHint("Check the path: folders are not made.")
	case errno.Is(fs.ErrExist):
		return app.Errorf(app.CodeRefused, "", "%s is there already.", where).WithHint("Name a file that does not exist yet.")
	case errno == syscall.ENOTDIR:
		return app.Errorf(app.CodeInvalid, "", "%s is not a folder.", where).WithHint("Name a folder.")
	}
	return nil
}

// isReadOnly tells that a disk took nothing because it can only be read.
func isReadOnly(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && isAny(errno, readOnlyErrnos)
}

// folderOf is the folder a person knows of a file that we made for a while: what Litestream keeps lies beside the database.
func folderOf(path string) string {
	for at := path; at != filepath.Dir(at); at = filepath.Dir(at) {
		if name := filepath.Base(at); strings.HasPrefix(name, ".") && strings.HasSuffix(name, litestream.MetaDirSuffix) {
			return filepath.Dir(at)
		}
	}
	return filepath.Dir(path)
}

// ofAccess is what is left of failures at a target.
func ofAccess(a *accessError, _ error) *app.Error {
	if a.need == "" {
		return nil
	}
	return app.Errorf(app.CodeFailed, "", "It was not possible to %s in %s.", a.need, a.place).
		WithHint("The cause is in the log. The doctor looks further.").Typed("The cause is in the log. Run coditect-sync doctor.")
}

func needed(a *accessError) right {
	if a.need == "" {
		return rightWrite
	}
	return a.need
}

func isAny(errno syscall.Errno, list []syscall.Errno) bool {
	for _, e := range list {
		if errno == e {
			return true
		}
	}
	return false
}

// ofNetwork knows connections that cannot be made or break.
func ofNetwork(a *accessError, err error) *app.Error {
	if !isNetwork(err) {
		return nil
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return app.Errorf(app.CodeUnreachable, "", "The name %s cannot be looked up.", dns.Name).
			WithHint("You seem to be offline. Copying goes on by itself.")
	}
	if a.need == "" {
		return app.Errorf(app.CodeUnreachable, "", "Your storage does not answer.").WithHint(retryHint)
	}
	return app.Errorf(app.CodeUnreachable, "", "Your storage does not answer: %s cannot be reached.", a.place).WithHint(retryHint)
}

func isNetwork(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	if !ok {
		return false
	}
	// An Errno calls itself a net.Error. One that was not wrapped by a connection came from a file.
	_, bare := e.(syscall.Errno)
	return !bare
}
