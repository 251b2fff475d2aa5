package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
)

// accessSafe keeps the secrets of access keys in the keychain.
type accessSafe struct{ *login.Safe }

// accessName is a name for the safe: ids of other servers than Amazon's may have any form.
func accessName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "s3-" + hex.EncodeToString(sum[:8])
}

// Keep implements agent.Access.
func (s accessSafe) Keep(key app.AccessKey) (note string, undo func() error, err error) {
	name := accessName(key.ID)
	was, err := s.Get(name)
	if err != nil && app.CodeOf(err) != app.CodeNotFound {
		return "", nil, err // what cannot be read could not be put back
	}
	had := err == nil
	note, err = s.Safe.Keep(name, key.Secret.Reveal())
	return note, func() error {
		if !had {
			return s.Safe.Forget(name)
		}
		_, err := s.Safe.Keep(name, was)
		return err
	}, err
}

// Forget implements agent.Access.
func (s accessSafe) Forget(id string) error { return s.Safe.Forget(accessName(id)) }

// key is the access key with this id, a zero one for none.
func (s accessSafe) key(id string) (app.AccessKey, error) {
	if id == "" {
		return app.AccessKey{}, nil
	}
	secret, err := s.Get(accessName(id))
	if app.CodeOf(err) == app.CodeNotFound {
		return app.AccessKey{}, app.Errorf(app.CodeDenied, "access key", "The secret of the access key %s is not in the keychain of this machine.", id).
			WithHint("Give it again.").Typed("Give it again with `coditect-sync setup --s3-keys FILE`.").Wrap(err)
	}
	return app.AccessKey{ID: id, Secret: app.Secret(secret)}, err
}

const accessHint = "It holds the id of the access key in one line and the secret in the next, or is what AWS or its tools wrote."

// accessOf is the access key of a file, of stdin for -, or as a person types it there.
func (p *program) accessOf(ctx context.Context, path string) (*app.AccessKey, error) {
	switch {
	case path == "":
		return nil, nil
	case path == "-" && p.canAsk():
		return p.askAccess(ctx)
	}
	text, err := p.readSecret("setup", path, "access key", accessHint)
	if err != nil {
		return nil, err
	}
	key, ok := parseAccess(text.Reveal())
	if !ok {
		return nil, app.Errorf(app.CodeInvalid, "setup", "There is no access key in %s.", path).WithHint(accessHint)
	}
	return &key, nil
}

func (p *program) askAccess(ctx context.Context) (*app.AccessKey, error) {
	id, err := p.ask(ctx, "Id of the access key:", "")
	if err != nil {
		return nil, err
	}
	secret, err := p.askHidden(ctx, "Its secret:")
	return &app.AccessKey{ID: id, Secret: app.Secret(secret)}, err
}

// parseAccess reads an access key: two lines, the lines of a credentials file (of its first profile), or the CSV of the console.
func parseAccess(text string) (key app.AccessKey, ok bool) {
	var plain []string
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		name, value, named := strings.Cut(line, "=")
		id, secret, pair := strings.Cut(line, ",")
		switch name = strings.TrimSpace(name); {
		case line == "" || line[0] == '#' || line[0] == '[' || strings.EqualFold(id, "Access key ID"):
		case named && name == "aws_access_key_id" && key.ID == "":
			key.ID = strings.TrimSpace(value)
		case named && name == "aws_secret_access_key" && key.Secret == "":
			key.Secret = app.Secret(strings.TrimSpace(value))
		case pair && key.ID == "":
			key = app.AccessKey{ID: strings.TrimSpace(id), Secret: app.Secret(strings.TrimSpace(secret))}
		default:
			plain = append(plain, line)
		}
	}
	if key.ID == "" && key.Secret == "" && len(plain) == 2 {
		key = app.AccessKey{ID: plain[0], Secret: app.Secret(plain[1])}
	}
	return key, key.ID != "" && key.Secret != "" && !strings.ContainsAny(key.ID+key.Secret.Reveal(), " \t,")
}
