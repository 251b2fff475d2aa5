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
)

// emulatorEnv names a storage emulator; no credentials are looked for then.
const emulatorEnv = "STORAGE_EMULATOR_HOST"

// How long an endpoint is waited for that does not accept or does not move.
const (
	dialTimeout = 4 * time.Second
	idleTimeout = 10 * time.Second
)

// credentials are how requests are signed, and the project a new bucket belongs to. Without a source nothing is signed.
type credentials struct {
	source  oauth2.TokenSource
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
	if creds.source != nil {
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
	case cfg.TokenSource != nil:
		return credentials{oauth2.ReuseTokenSource(nil, cfg.TokenSource), project}, nil
	case os.Getenv(emulatorEnv) != "":
		return credentials{project: cmp.Or(project, "emulator")}, nil
	}
	found, err := google.FindDefaultCredentials(ctx, storage.ScopeReadWrite)
	if err != nil {
		return credentials{}, &credentialsError{message: "There are no Google credentials on this machine.", hint: credentialsHint, err: err}
	}
	return credentials{found.TokenSource, cmp.Or(project, found.ProjectID)}, nil
}

func keyFile(ctx context.Context, path string) (credentials, error) {
	const hint = "Download a key of the service account as JSON and give its path with --credentials."
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return credentials{}, &credentialsError{message: "There is no key file " + path + ".", hint: hint, err: err}
	}
	if err != nil {
		return credentials{}, &credentialsError{message: "The key file " + path + " cannot be read.", hint: "Check its permissions.", err: err}
	}
	var key struct {
		Project string `json:"project_id"`
	}
	cfg, err := google.JWTConfigFromJSON(raw, storage.ScopeReadWrite)
	if err == nil {
		err = json.Unmarshal(raw, &key)
	}
	if err != nil {
		return credentials{}, &credentialsError{message: path + " is not the key file of a service account.", hint: hint, err: err}
	}
	return credentials{cfg.TokenSource(ctx), key.Project}, nil
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
