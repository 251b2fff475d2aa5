package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// Main runs one command line and returns its exit status. The first SIGINT or SIGTERM ends the verb gracefully, the
// second one ends the process at once.
func Main(version string, args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // from then on a signal has its default effect
	p := newProgram(version, in, out, errs)
	p.connect = p.reachAgent
	return p.run(ctx, args)
}

// program is one run of the command line.
type program struct {
	version  string
	in       io.Reader
	inTTY    bool
	out, err *screen
	getenv   func(string) string
	now      func() time.Time
	// connect finds the agent that the verb speaks to; tests put a fake there.
	connect func(ctx context.Context, how reach) (*session, error)

	// Flags.
	homeFlag string
	plain    bool
	json     bool

	words    []string // names of the flags that may not be empty
	answered bool     // with --json: stdout has its result already
	typed    *bufio.Reader
}

func newProgram(version string, in io.Reader, out, errs io.Writer) *program {
	p := &program{version: version, in: in, inTTY: isTerminal(in), getenv: os.Getenv, now: time.Now}
	p.out = newScreen(out, p.getenv, &p.plain)
	p.err = newScreen(errs, p.getenv, &p.plain)
	return p
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out.w)
	root.SetErr(p.err.w)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	return p.fail(asUsage(err))
}

// layout says where everything is; --home wins over CODITECT_HOME.
func (p *program) layout() (config.Layout, error) {
	home, err := config.DefaultHome()
	if p.homeFlag != "" {
		home, err = absolute(p.homeFlag)
	}
	return config.NewLayout(home), err
}

// forced is the mode that the environment forces on an agent started from here.
func (p *program) forced() (app.Mode, error) { return config.ForcedMode(p.getenv) }
