package s3

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Kind is what a server's refusal means.
type Kind string

// The kinds.
const (
	Unknown     Kind = ""
	NoBucket    Kind = "no bucket"
	NoObject    Kind = "no object"    // fs.ErrNotExist
	Exists      Kind = "exists"       // what was to be made is there: fs.ErrExist
	Conflict    Kind = "conflict"     // another writes the same object at this moment
	Denied      Kind = "denied"       // these credentials may not do it
	NoKeys      Kind = "no keys"      // there are no credentials on this machine
	SignInEnded Kind = "sign-in over" // of `aws sso login`
	BadKeys     Kind = "bad keys"     // the server does not know the credentials, or their secret is wrong
	OtherRegion Kind = "other region" // the bucket is in another one: see Region
	WrongClock  Kind = "wrong clock"  // this machine's clock differs too much from the server's
	Taken       Kind = "taken"        // the bucket that was to be made is there
	Full        Kind = "full"
	Busy        Kind = "busy"        // the server cannot now
	Unsupported Kind = "unsupported" // the server does not know such a request
)

// Fault is a failure whose meaning is known.
type Fault struct {
	Kind   Kind
	Region string // of OtherRegion, where the server says it
	Status int    // of the server's answer, 0 without one
	Err    error
}

func (f *Fault) Error() string { return string(f.Kind) + ": " + f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// Is makes missing and present objects what they are on a disk.
func (f *Fault) Is(target error) bool {
	return f.Kind == NoObject && target == fs.ErrNotExist || f.Kind == Exists && target == fs.ErrExist
}

// KindOf is the kind of the Fault in err's chain.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Kind
	}
	return Unknown
}

// provider marks what goes wrong with the credentials before a request is made.
type provider struct{ aws.CredentialsProvider }

func (p provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := p.CredentialsProvider.Retrieve(ctx)
	if err == nil || ctx.Err() != nil {
		return found, err
	}
	if _, ended := errors.AsType[*ssocreds.InvalidTokenError](err); ended {
		return found, &Fault{Kind: SignInEnded, Err: err}
	}
	return found, &Fault{Kind: NoKeys, Err: err}
}

// codes are the error codes of S3 and of the servers that follow it.
var codes = map[Kind][]string{
	NoBucket:    {"NoSuchBucket"},
	NoObject:    {"NoSuchKey", "NoSuchUpload"},
	Exists:      {"PreconditionFailed"},
	Conflict:    {"ConditionalRequestConflict", "OperationAborted"},
	Denied:      {"AccessDenied", "AllAccessDisabled", "AccountProblem", "UnauthorizedAccess", "NotSignedUp"},
	BadKeys:     {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidSecurity", "InvalidClientTokenId", "XAdminUserNotFound"},
	OtherRegion: {"PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidRegion"},
	WrongClock:  {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"},
	Taken:       {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"},
	Full:        {"QuotaExceeded", "StorageFull", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"},
	Busy:        {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "TooManyRequests"},
	Unsupported: {"NotImplemented"},
}

// statuses are for answers without a known code: those to HEAD have no body.
var statuses = map[int]Kind{
	http.StatusMovedPermanently: OtherRegion, http.StatusTemporaryRedirect: OtherRegion, http.StatusUnauthorized: BadKeys,
	http.StatusForbidden: Denied, http.StatusPreconditionFailed: Exists, http.StatusTooManyRequests: Busy,
	http.StatusNotImplemented: Unsupported, http.StatusInsufficientStorage: Full,
}

// known makes a Fault of an error whose meaning is known, and returns any other as it is.
func known(err error) error {
	if err == nil || KindOf(err) != Unknown {
		return err
	}
	f := &Fault{Err: err}
	api, said := errors.AsType[smithy.APIError](err)
	if said {
		f.Kind = kindOfCode(api.ErrorCode())
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.Response != nil && answer.Response.Response != nil {
		f.Status, f.Region = answer.HTTPStatusCode(), answer.Response.Header.Get("X-Amz-Bucket-Region")
		if f.Kind == Unknown {
			f.Kind = kindOfStatus(f.Status, said && api.ErrorCode() == "NotFound")
		}
	}
	if f.Kind == Unknown {
		return err
	}
	return f
}

func kindOfCode(code string) Kind {
	for kind, list := range codes {
		if slices.Contains(list, code) {
			return kind
		}
	}
	return Unknown
}

func kindOfStatus(status int, notFound bool) Kind {
	switch {
	case notFound || status == http.StatusNotFound:
		return NoObject
	case statuses[status] != Unknown:
		return statuses[status]
	case status >= http.StatusInternalServerError:
		return Busy
	}
	return Unknown
}
