package standalone

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/standalone/crypt"
)

// replicaClient is what Litestream reads and writes LTX objects through.
type replicaClient = litestream.ReplicaClient

// TargetConfig says where a target is and how to be let in.
type TargetConfig struct {
	// URL is file:///absolute/folder, gs://bucket[/prefix] or s3://bucket[/prefix][?endpoint=URL&region=NAME] or
	// sftp://user@host[:port]/folder.
	URL string
	// Credentials is the path of a service-account key file for gs targets. Empty means Bearer, and without one
	// application-default credentials.
	Credentials string
	// Bearer gives access tokens for gs targets when there is no key file.
	Bearer Bearer
	// Access is the access key for s3 targets. A zero one means what AWS tools keep on this machine.
	Access app.AccessKey
	// Key is the recovery key that everything is sealed with; nil for plain copies.
	Key    *Key
	Logger *slog.Logger
}

// Bearer is a person's sign-in to the storage.
type Bearer interface {
	// Token returns an access token that is good for a while. It blocks while one is fetched. An *app.Error is shown as it is.
	Token(ctx context.Context) (string, error)
	// Refuse takes note that the storage did not take a token.
	Refuse(token string)
}

// Key is a recovery key.
type Key = crypt.Key

// NewKey makes a recovery key.
func NewKey() (*Key, error) { return crypt.New() }

// ParseKey reads a recovery key as a person gives it: typed, or a file that holds it. The error is CodeInvalid and tells
// nothing of the text.
func ParseKey(text string) (*Key, error) {
	k, err := crypt.Parse(text)
	if err != nil {
		return nil, app.Errorf(app.CodeInvalid, "key", "This is not a recovery key, or it was mistyped.").
			WithHint("It begins with AGE-SECRET-KEY-1 and has 74 characters.").Wrap(err)
	}
	return k, nil
}

// Target is a place where replicas live. Its methods may be called from several goroutines; all that touch the target
// block, honour ctx and return *app.Error.
type Target struct {
	at    location
	url   string
	store store
	log   *slog.Logger
	times *recordedTimes
}

// OpenTarget prepares a target for use. Nothing is asked of it yet, and nothing made: that a folder or a bucket is
// missing shows when it is used.
func OpenTarget(_ context.Context, cfg TargetConfig) (*Target, error) {
	at, err := parseLocation(cfg.URL)
	if err != nil {
		return nil, err
	}
	t := &Target{at: at, url: cfg.URL, log: cfg.Logger, times: new(recordedTimes)}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	switch at.kind {
	case kindGCS:
		t.store = &gcsStore{cfg: cfg, at: at, idle: idleTimeout}
	case kindS3:
		t.store = newS3Store(at, cfg.Access, s3IdleTimeout)
	case kindSFTP:
		t.store = newSFTPStore(at, sftpIdleTimeout)
	default:
		t.store = &fileStore{root: at.path}
	}
	if cfg.Key != nil {
		t.store = sealedStore{t.store, cfg.Key, at.name()}
	}
	return t, nil
}

// URL is the target's URL; it never holds a secret.
func (t *Target) URL() string { return t.url }

// Kind is the scheme of the URL: "file", "gs", "s3" or "sftp".
func (t *Target) Kind() string { return t.at.kind }

// Interval is how often changes are uploaded.
func (t *Target) Interval() time.Duration {
	if t.Paid() {
		return 5 * time.Second
	}
	return time.Second
}

// Paid tells that requests to the target cost money.
func (t *Target) Paid() bool { return t.at.kind == kindGCS || t.at.kind == kindS3 }

// Close ends the connections to the target.
func (t *Target) Close() error { return t.store.close() }

// Create makes the missing bucket, in the project of the credentials, or the missing last folder where its parent
// exists.
func (t *Target) Create(ctx context.Context) error {
	return asError("create", t.store.create(ctx))
}

// ReplicaClient reads and writes the LTX objects of one machine.
func (t *Target) ReplicaClient(user, machine string) litestream.ReplicaClient {
	return newLTXClient(t, user, machine)
}

// SameDisk tells whether a file target is on the same disk as path; false for every other target. A path that is not
// there yet counts as its folder.
func (t *Target) SameDisk(path string) (bool, error) {
	if t.at.kind != kindFile {
		return false, nil
	}
	there, err := device(t.at.path)
	if err != nil {
		return false, asError("target", &accessError{need: rightRead, place: t.at.path, err: err})
	}
	here, err := device(path)
	if errors.Is(err, fs.ErrNotExist) {
		here, err = device(filepath.Dir(path))
	}
	if err != nil {
		return false, asError("target", err)
	}
	return here == there, nil
}

// Present fails unless the target is there to be written to. Once a machine has copied to a folder, its data must be
// in it: a folder without is a mount point whose disk is away, and copies must not pile up under it. It makes no
// request to an object store.
func (t *Target) Present(ctx context.Context, user, machine string, copied bool) error {
	if t.at.kind != kindFile || ctx.Err() != nil {
		return asError("target", ctx.Err())
	}
	if _, err := os.Stat(t.at.path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errNoPlace
		}
		return asError("target", &accessError{need: rightRead, place: t.at.path, err: err})
	}
	dir := filepath.Join(t.at.path, filepath.FromSlash(machineDir(user, machine)))
	if _, err := os.Stat(dir); copied && errors.Is(err, fs.ErrNotExist) {
		return app.Errorf(app.CodeUnreachable, "target", "%s no longer holds what this machine copied to it.", t.at.path).
			WithHint("Connect the disk it is on. If the copies were deleted on purpose, set up the storage again.").Wrap(err)
	}
	return nil
}

// asError is classify for returning: a nil stays a nil error.
func asError(op string, err error) error {
	if err == nil {
		return nil
	}
	return classify(op, err)
}
