package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/standalone"
)

// maxKeyFile bounds what is read of a file that should hold a key.
const maxKeyFile = 64 << 10

const keyFileHint = "It is the file that setup wrote the recovery key to, or one that you put it into; - reads it from stdin."

// readSecret reads a secret, of which what says which, from a file, or from stdin for -. What is in it is looked at by whoever
// uses it.
func (p *program) readSecret(op, path, what, hint string) (app.Secret, error) {
	in := io.Reader(p.lines())
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			code, how := app.CodeDenied, "cannot be read"
			if errors.Is(err, fs.ErrNotExist) {
				code, how = app.CodeNotFound, "is not there"
			}
			return "", app.Errorf(code, op, "The key file %s %s.", path, how).WithHint("%s", hint).Wrap(err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxKeyFile))
	if err != nil {
		return "", app.Errorf(app.CodeDenied, op, "The %s cannot be read.", what).WithHint("%s", hint).Wrap(err)
	}
	return app.Secret(text), nil
}

// readKey reads the recovery key from a file, or from stdin for -.
func (p *program) readKey(op, path string) (app.Secret, error) {
	text, err := p.readSecret(op, path, "recovery key", keyFileHint)
	if err == nil {
		_, err = standalone.ParseKey(text.Reveal())
	}
	if err != nil {
		return "", err
	}
	return text, nil
}

// keyOf is the key to set up with: that of the file, which is made with a new key where encryption begins and it is missing.
// What was written is read back: the file is what a person will have.
func (p *program) keyOf(path string, begins bool) (app.Secret, error) {
	if path == "" {
		return "", nil
	}
	if path != "-" && begins {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			if err := p.writeKey(path); err != nil {
				return "", err
			}
		}
	}
	return p.readKey("setup", path)
}

const keyText = `# Recovery key %s of CODITECT Sync, made on %s.
# Without it nobody can read the encrypted copies; with it anybody can. Keep it where this computer is not.
# The age command takes this file: age -d -i FILE
%s
`

func (p *program) writeKey(path string) error {
	k, err := standalone.NewKey()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, keyText, k.ID(), p.now().Format("2 January 2006"), k.Secret())
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return app.Errorf(app.CodeDenied, "setup", "The recovery key cannot be written to %s.", path).
			WithHint("Name a file in a folder that you may write.").Wrap(err)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		full = path
	}
	p.err.line(plain.of("Wrote a new recovery key to %s.", full))
	return nil
}

// showKey makes a new recovery key, shows it once, and takes it as a person has it: typed or pasted.
func (p *program) showKey(ctx context.Context) (app.Secret, error) {
	k, err := standalone.NewKey()
	if err != nil {
		return "", err
	}
	p.err.gap()
	p.err.line(strong.of("Your recovery key. It is shown this once:"))
	p.err.gap()
	p.err.raw("  " + k.Secret() + "\n")
	p.err.gap()
	p.err.line(plain.of("Its id is %s. Put it into a password manager or on paper, where this computer is not: without it nobody can read the copies, and nobody can make another.", k.ID()))
	for range keyTries {
		typed, err := p.ask(ctx, "Type or paste it from where you keep it now:", "")
		if err != nil {
			return "", err
		}
		back, err := standalone.ParseKey(typed)
		if err == nil && back.ID() == k.ID() {
			return app.Secret(typed), nil
		}
		p.err.line(waits.of("That is not it."))
	}
	return "", app.Errorf(app.CodeCanceled, "setup", "The recovery key did not come back, so nothing was changed.").
		WithHint("Run it again; it makes a new key.")
}

// keyTries is how often a key may be typed.
const keyTries = 3

// askKey asks for the recovery key of copies that are there, without showing what is typed.
func (p *program) askKey(ctx context.Context, e *app.Error) (app.Secret, error) {
	p.err.line(plain.of("%s", e.Message))
	typed, err := p.askHidden(ctx, "Their recovery key:")
	if err != nil {
		return "", err
	}
	if _, err := standalone.ParseKey(typed); err != nil {
		return "", err
	}
	return app.Secret(typed), nil
}

// needsKey tells whether an error says that the recovery key has to be given.
func needsKey(err error) bool {
	e, ok := errors.AsType[*app.Error](err)
	return ok && (e.Op == opKey || e.Op == opNewKey)
}

// keyFor asks for the key that a setup without one needed, or makes one.
func (p *program) keyFor(ctx context.Context, e *app.Error) (app.Secret, error) {
	if e.Op == opNewKey {
		return p.showKey(ctx)
	}
	return p.askKey(ctx, e)
}

// opNewKey is the Op of the error that says that encryption cannot begin without a new key.
const opNewKey = "new key"
