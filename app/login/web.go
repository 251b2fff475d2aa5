package login

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// askWithin limits one request.
	askWithin = 20 * time.Second
	// maxAnswer is more than any document of a provider has.
	maxAnswer = 1 << 20
)

// web makes the requests of the package: bounded, and never redirected, because nobody may send a token elsewhere.
type web struct{ http *http.Client }

func newWeb(transport http.RoundTripper) *web {
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		own.IdleConnTimeout = 10 * time.Second // it asks every few minutes
		transport = own
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &web{http: &http.Client{Transport: bounded{transport}, Timeout: askWithin, CheckRedirect: stay}}
}

// bounded cuts answers that are too long.
type bounded struct{ http.RoundTripper }

// RoundTrip makes a request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxAnswer), response.Body}
	}
	return response, err
}

// checkAddress takes an https address without user, query and fragment, or an http one of this machine alone, by its number:
// a name can be made to lead anywhere. what is said to be wrong names what the address is of.
func checkAddress(what, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return nil, app.Errorf(app.CodeInvalid, op, "The address of the %s is no plain https address.", what).
			WithHint("It looks like https://sync.example.com.")
	case u.Scheme == "https", u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback():
		return u, nil
	}
	return nil, app.Errorf(app.CodeInvalid, op, "The address of the %s must begin with https.", what).
		WithHint("http is for a server on this machine only, at http://127.0.0.1:PORT.")
}

// ServerAddress is the address of a server as a person types it, in the form that is kept. CodeInvalid says what is wrong.
func ServerAddress(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed != "" && !strings.Contains(typed, "://") {
		typed = "https://" + typed
	}
	u, err := checkAddress("server", typed)
	if err != nil {
		return "", err
	}
	if strings.Trim(u.Path, "/") != "" {
		return "", app.Errorf(app.CodeInvalid, op, "The address of the server has a path.").WithHint("It looks like https://sync.example.com.")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// unanswered says why a request brought no answer.
func unanswered(who string, err error) *app.Error {
	const byItself = "It is tried again by itself; nothing is lost meanwhile."
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		text := "The certificate of the " + who + " is not trusted here."
		if invalid, ok := errors.AsType[x509.CertificateInvalidError](e.Err); ok && invalid.Reason == x509.Expired {
			text = "The certificate of the " + who + " is not valid by this machine's clock."
		}
		return app.Errorf(app.CodeUnreachable, op, "%s", text).
			WithHint("Check the date of this machine, and whether its network asks for a sign-in of its own.").Wrap(quiet(err))
	}
	return app.Errorf(app.CodeUnreachable, op, "The %s does not answer.", who).WithHint(byItself).Wrap(quiet(err))
}

// portal is something else that answers in somebody's place.
func portal(who string, status int) *app.Error {
	return app.Errorf(app.CodeUnreachable, op, "Something else answers in place of the %s.", who).
		WithHint("A network that asks for a sign-in of its own does that: open any page in a browser. Or the address is not that of a server.").
		Wrap(errors.New("HTTP status " + strconv.Itoa(status)))
}

// quiet is an error without the address it was about: addresses may have a code in them, and errors end up in logs.
func quiet(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// retryAfter is what a server asks for; 0 where it does not.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, longestPause)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
