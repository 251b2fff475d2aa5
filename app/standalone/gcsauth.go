package standalone

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"cloud.google.com/go/storage"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"

	"github.com/coditect-ai/coditect-sync/app"
)

// emulatorEnv names a storage emulator; no credentials are looked for then.
const emulatorEnv = "STORAGE_EMULATOR_HOST"

// How long an endpoint is waited for that does not accept or does not move.
const (
	dialTimeout = 4 * time.Second
	idleTimeout = 10 * time.Second
)

// credentials are how requests are signed, and the project a new bucket belongs to. Without source and bearer nothing is
// signed.
type credentials struct {
	source  oauth2.TokenSource
	bearer  Bearer
	project string
}

// newGCSClient makes a client with the configured credentials. It may ask the machine's metadata server for them.
func newGCSClient(ctx context.Context, cfg TargetConfig, idle time.Duration) (client *storage.Client, project string, err error) {
	base := newTransport(idle)
	hc := &http.Client{Transport: base}
	// Token requests are made for later operations too, so they must not end with this one.
	creds, err := findCredentials(context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, hc), cfg)
	if err != nil {
		return nil, "", err
	}
	opts := []option.ClientOption{storage.WithJSONReads(), storage.WithDisabledClientMetrics()}
	switch {
	case creds.bearer != nil:
		hc = &http.Client{Transport: bearing{base, creds.bearer}}
		opts = append(opts, option.WithTokenSource(noSource{})) // else the library looks for default ones
	case creds.source != nil:
		hc = &http.Client{Transport: &oauth2.Transport{Base: base, Source: creds.source}}
		opts = append(opts, option.WithTokenSource(creds.source)) // else the library looks for default ones
	}
	client, err = storage.NewClient(ctx, append(opts, option.WithHTTPClient(hc))...)
	return client, creds.project, err
}

// findCredentials follows the order of TargetConfig. With an emulator and none given there are none.
func findCredentials(ctx context.Context, cfg TargetConfig) (credentials, error) {
	project := os.Getenv("GOOGLE_CLOUD_PROJECT")
	switch {
	case cfg.Credentials != "":
		return keyFile(ctx, cfg.Credentials)
	case cfg.Bearer != nil:
		return credentials{bearer: cfg.Bearer, project: project}, nil
	case os.Getenv(emulatorEnv) != "":
		return credentials{project: cmp.Or(project, "emulator")}, nil
	}
	found, err := google.FindDefaultCredentials(ctx, storage.ScopeReadWrite)
	if err != nil {
		return credentials{}, &credentialsError{noCredentials("There are no Google credentials on this machine."), err}
	}
	return credentials{source: found.TokenSource, project: cmp.Or(project, found.ProjectID)}, nil
}

// bearing signs requests with the token of a person's sign-in.
type bearing struct {
	http.RoundTripper
	bearer Bearer
}

// RoundTrip implements http.RoundTripper. A token that is not taken is replaced, and the request made once more where it can
// be; else whoever made it does. A sign-in that is over is told instead of the refusal.
func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := b.bearer.Token(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper does
		}
		return nil, err
	}
	response, err := b.RoundTripper.RoundTrip(with(token, r))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	b.bearer.Refuse(token)
	if token, err = b.bearer.Token(r.Context()); err != nil {
		_ = response.Body.Close() // what matters is why
		return nil, err
	}
	if r.Body != nil && r.Body != http.NoBody {
		return response, nil
	}
	_ = response.Body.Close()
	return b.RoundTripper.RoundTrip(with(token, r))
}

func with(token string, r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// noSource is a token source that nobody asks.
type noSource struct{}

func (noSource) Token() (*oauth2.Token, error) {
	return nil, errors.New("tokens come from the sign-in")
}

// keyFile reads the key of a service account.
func keyFile(ctx context.Context, path string) (credentials, error) {
	wrong := func(format string, err error) (credentials, error) {
		return credentials{}, &credentialsError{app.Errorf(app.CodeDenied, "", format, path).
			WithHint("Download a key of the service account as JSON and give its path.").
			Typed("Download a key of the service account as JSON and give its path with --credentials."), err}
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return wrong("There is no key file %s.", err)
	}
	if err != nil {
		return wrong("The key file %s cannot be read.", err)
	}
	var key struct {
		Project string `json:"project_id"`
	}
	cfg, err := google.JWTConfigFromJSON(raw, storage.ScopeReadWrite)
	if err == nil {
		err = json.Unmarshal(raw, &key)
	}
	if err != nil {
		return wrong("%s is not the key file of a service account.", err)
	}
	return credentials{source: cfg.TokenSource(ctx), project: key.Project}, nil
}

// newTransport is HTTP/1.1 with connections that fail when nothing moves on them for a time, also in the middle of an
// object.
func newTransport(idle time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetWriteBuffer(writeBuffer) // a hint; the system's own size works too
			}
			return &liveConn{Conn: c, idle: idle}, nil
		},
		TLSHandshakeTimeout:   dialTimeout,
		ExpectContinueTimeout: time.Second, // S3 may refuse a part before it is sent
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       time.Minute,
		Protocols:             http1(),
	}
}

// writeBuffer keeps what the system holds back unsent small, so that liveConn sees a slow upload move.
const writeBuffer = 128 << 10

func http1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// liveConn is a connection that fails when neither direction moves for the time idle. A pending read is put off by every
// write, since an answer can only come after the request is out.
type liveConn struct {
	net.Conn
	idle time.Duration
}

func (c *liveConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *liveConn) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if err = c.SetDeadline(time.Now().Add(c.idle)); err != nil {
			return n, err
		}
		var m int
		m, err = c.Conn.Write(p[n:min(n+writeBuffer, len(p))])
		n += m
	}
	return n, err
}
