package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/coditect-ai/coditect-sync/app"
)

// canAsk tells whether somebody is there to answer: questions go to stderr, answers come from stdin.
func (p *program) canAsk() bool { return p.inTTY && p.err.tty && !p.json }

// ask shows a question and returns the answer, which is otherwise where it is empty. It ends with ctx; the read itself
// cannot be ended and goes with the process.
func (p *program) ask(ctx context.Context, question, otherwise string) (string, error) {
	text := clean(question)
	if otherwise != "" {
		text += p.err.paint(quiet, " ["+clean(otherwise)+"]")
	}
	p.err.raw(text + " ")
	answer, failed := make(chan string, 1), make(chan error, 1)
	go func() {
		line, err := p.lines().ReadString('\n')
		if err != nil && line == "" {
			failed <- err
			return
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case a := <-answer:
		if a == "" {
			a = otherwise
		}
		return a, nil
	case err := <-failed:
		p.err.gap()
		return "", app.Errorf(app.CodeCanceled, "ask", "Nothing was answered, so nothing was changed.").Wrap(err)
	case <-ctx.Done():
		p.err.gap()
		return "", app.Errorf(app.CodeCanceled, "ask", "Canceled. Nothing was changed.").Wrap(ctx.Err())
	}
}

// lines reads what is typed; what one answer read too much stays for the next.
func (p *program) lines() *bufio.Reader {
	if p.typed == nil {
		p.typed = bufio.NewReader(p.in)
	}
	return p.typed
}

// confirm asks for a yes. Everything else is a no, which changes nothing.
func (p *program) confirm(ctx context.Context, op, question string) error {
	a, err := p.ask(ctx, question+" Type yes to go on:", "")
	if err != nil {
		return err
	}
	if a = strings.ToLower(a); a != "yes" && a != "y" {
		return app.Errorf(app.CodeCanceled, op, "Nothing was changed.")
	}
	return nil
}

// askHidden is ask without showing what is typed, where there is a terminal to tell so.
func (p *program) askHidden(ctx context.Context, question string) (string, error) {
	f, ok := p.in.(*os.File)
	if !ok || p.typed != nil && p.typed.Buffered() > 0 { // typed ahead, and shown already
		return p.ask(ctx, question, "")
	}
	fd := int(f.Fd())
	shown, err := term.MakeRaw(fd) // before the question, or what comes at once is shown
	if err != nil {
		return p.ask(ctx, question, "")
	}
	defer p.err.gap()
	defer func() { _ = term.Restore(fd, shown) }() // it worked a moment ago
	answer, failed := make(chan string, 1), make(chan error, 1)
	go func() {
		line, err := term.NewTerminal(typing{f, p.err.w}, "").ReadPassword(clean(question) + " ")
		if err != nil { // Ctrl+C, too
			failed <- err
			return
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case a := <-answer:
		return a, nil
	case err := <-failed:
		return "", app.Errorf(app.CodeCanceled, "ask", "Nothing was answered, so nothing was changed.").Wrap(err)
	case <-ctx.Done():
		return "", app.Errorf(app.CodeCanceled, "ask", "Canceled. Nothing was changed.").Wrap(ctx.Err())
	}
}

// typing is what is typed, and where it is asked for.
type typing struct {
	io.Reader
	io.Writer
}
