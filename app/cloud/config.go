package cloud

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Config is what New and NewUploader need. Fields without a default must be set.
type Config struct {
	// Server is the address of the server; Stream that of the sync stream where it is served elsewhere, else empty.
	Server, Stream string
	// User is the account's id, Machine the id of this installation. Name and Tenant are what faces show.
	User, Machine string
	Name, Tenant  string

	File   File
	Tokens Tokens
	// Known is what was known when the engine last ran: the last proof, and when rows went up and came down. Without a
	// LastSyncedAt the next sync is shown as the first one.
	Known app.CloudStatus
	// Saving tells that the machine runs on its battery or a metered network: the daily proof then waits. May be nil.
	Saving func() bool
	// ProofEvery is how often rows are compared by themselves; a day by default.
	ProofEvery time.Duration
	// StopTimeout limits the last push when Run ends; 5 s by default.
	StopTimeout time.Duration
	// Transport carries the requests; nil: HTTP/1.1 with the system's proxies.
	Transport http.RoundTripper
	Version   string // of this program, told to the server for its log
	Logger    *slog.Logger
	Now       func() time.Time // time.Now by default

	pace pace // how long things wait; tests hurry
}

// Tokens hands out access tokens. Its methods are called by several goroutines.
type Tokens interface {
	// Token returns a token that is good for 30 seconds or more. It may block. CodeSignedOut means that a person has to
	// sign in; any other error means "not now".
	Token(ctx context.Context) (string, error)
	// Refuse takes note that the server did not take a token. The next Token is another one.
	Refuse(token string)
}

// pace is how long things wait.
type pace struct {
	gather    time.Duration // after a commit, for more of them
	look      time.Duration // at most, between two looks at the file
	silence   time.Duration // of a stream, before it is left
	answer    time.Duration // for an answer to a request
	firstTry  time.Duration // after a failure; doubled each time
	lastTry   time.Duration // at most
	stall     time.Duration // without progress, before it is one
	rung      time.Duration // between two rungs of the ladder
	callback  time.Duration // for something of others that should return
	settle    time.Duration // between two looks of the watchdog
	proofTry  time.Duration // after a proof that could not be made
	firstWait time.Duration // before the first proof, after the first sync
}

func (p pace) orDefaults() pace {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&p.gather, 100 * time.Millisecond}, {&p.look, 30 * time.Second}, {&p.silence, 50 * time.Second},
		{&p.answer, time.Minute}, {&p.firstTry, 2 * time.Second}, {&p.lastTry, time.Minute}, {&p.stall, 30 * time.Second},
		{&p.rung, 12 * time.Second}, {&p.callback, 20 * time.Second}, {&p.settle, time.Second}, {&p.proofTry, 10 * time.Minute},
		{&p.firstWait, 2 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	return p
}

// ready checks a configuration and fills in what has a default.
func (c Config) ready() (Config, error) {
	if c.Stream == "" {
		c.Stream = c.Server
	}
	for _, address := range []string{c.Server, c.Stream} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return c, app.Errorf(app.CodeInvalid, op, "The address of the cloud is none.").WithHint("Sign in again.").
				Typed("Sign in again with `coditect-sync login`.")
		}
	}
	if c.User == "" || c.Machine == "" || c.File == nil || c.Tokens == nil {
		return c, app.Errorf(app.CodeInvalid, op, "The account is not known.").WithHint("Sign in again.").Typed("Sign in again with `coditect-sync login`.")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Saving == nil {
		c.Saving = func() bool { return false }
	}
	if c.ProofEvery == 0 {
		c.ProofEvery = 24 * time.Hour
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 5 * time.Second
	}
	c.pace = c.pace.orDefaults()
	return c, nil
}

// op is what errors of this package say was being done.
const op = "sync"
