package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// link makes requests to the cloud. Its connections can be replaced while requests are under way.
type link struct {
	cfg Config

	mu     sync.Mutex
	client *http.Client
	used   string // the token that was handed out last
}

func newLink(c Config) *link {
	l := &link{cfg: c}
	l.client = l.newClient()
	return l
}

// newClient has connections of its own. It follows no redirect, because nobody may send a token elsewhere, and has no time
// limit for a whole request: a stream goes on for hours.
func (l *link) newClient() *http.Client {
	transport := l.cfg.Transport
	if transport == nil {
		dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			// A stream of its own connection cannot be held up by another one: HTTP/1.1.
			TLSNextProto:       map[string]func(string, *tls.Conn) http.RoundTripper{},
			DisableCompression: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: stay}
}

// renew drops the connections that nothing uses and begins new ones.
func (l *link) renew() {
	l.mu.Lock()
	old := l.client
	l.client = l.newClient()
	l.mu.Unlock()
	if l.cfg.Transport == nil {
		old.CloseIdleConnections()
	}
}

// token asks for one, and does not wait for somebody who does not answer.
func (l *link) token(ctx context.Context) (string, error) {
	type answer struct {
		token string
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.pace.callback)
	defer cancel()
	got := make(chan answer, 1)
	go func() { // it may outlive the call
		token, err := l.cfg.Tokens.Token(ctx)
		got <- answer{token, err}
	}()
	select {
	case a := <-got:
		if a.err == nil {
			l.mu.Lock()
			l.used = a.token
			l.mu.Unlock()
		}
		return a.token, a.err
	case <-ctx.Done():
		return "", app.Errorf(app.CodeBusy, op, "Nothing says yet who is signed in here.").Wrap(ctx.Err())
	}
}

// refuse has a token replaced; "" is the one that was used last.
func (l *link) refuse(token string) {
	if token == "" {
		l.mu.Lock()
		token = l.used
		l.mu.Unlock()
	}
	l.cfg.Tokens.Refuse(token)
}

// signed does something that may meet a token that is not taken: then once more with another one.
func (l *link) signed(ctx context.Context, fn func(context.Context) error) error {
	for again := true; ; again = false {
		err := fn(ctx)
		var r *refusal
		if !errors.As(err, &r) || r.kind != newToken {
			return err
		}
		l.refuse(r.token)
		if !again {
			return err
		}
	}
}

// do sends a request with a token and returns an answer with status 200. Everything else is a *refusal, an error of Tokens,
// or ctx's. The caller closes the body.
func (l *link) do(ctx context.Context, method, address string, body io.Reader, headers ...string) (*http.Response, error) {
	token, err := l.token(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", strings.TrimRight("coditect-sync/"+l.cfg.Version, "/"))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	l.mu.Lock()
	client := l.client
	l.mu.Unlock()
	answer, err := client.Do(r)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxRefusal)) // what says why may be missing
	return nil, refused(answer, text, token, l.cfg.Now())
}

// maxRefusal is how much of an answer that is no 200 is read.
const maxRefusal = 64 << 10

// unreachable is a request without an answer. The network's own errors are facts, no faults.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSilent) {
		return ctx.Err()
	}
	r := &refusal{kind: later, offline: true, cause: "There is no connection to the cloud.", err: err}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		r.cause, r.offline = "The cloud does not answer.", false
	case errors.As(err, &dns):
		r.cause = "The address of the cloud is not found: this machine is offline."
	case errors.As(err, &cert):
		r.cause, r.offline = "Something between this machine and the cloud shows a certificate that is not the cloud's.", false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		r.cause = "The connection to the cloud breaks."
	}
	return r
}

// errSilent ends what waits for an answer that does not come.
var errSilent = errors.New("no answer came")

// within limits a request to the pace's time for an answer.
func (l *link) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, l.cfg.pace.answer, errSilent)
}
