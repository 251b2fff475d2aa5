package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/backend"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// program is one run of the command line.
type program struct {
	environ  []string
	in       io.Reader
	out, err io.Writer
	file     string // --config
}

// errUsage is a command line that cannot be understood.
var errUsage = errors.New("usage")

// run does what the arguments say and returns the exit status: 0 done, 1 failed, 2 usage or settings.
func run(ctx context.Context, args, environ []string, in io.Reader, out, err io.Writer) int {
	p := &program{environ: environ, in: in, out: out, err: err}
	root := p.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(err)
	failure := root.ExecuteContext(ctx)
	if failure == nil {
		return 0
	}
	for _, line := range strings.Split(sentences(failure), "\n") {
		fmt.Fprintln(err, "coditect-sync-server: "+line)
	}
	if errors.Is(failure, errUsage) || errors.Is(failure, errSettings) {
		return 2
	}
	return 1
}

// mistake is a sentence about what whoever runs the server can mend.
func mistake(format string, args ...any) error {
	return backend.Errorf(backend.Invalid, format, args...)
}

// sentences are what people read of an error.
func sentences(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "usage: "), "settings: ")
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use: "coditect-sync-server", Short: "The cloud side of CODITECT Sync", Version: version,
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, mistake("%v.", err)) })
	root.PersistentFlags().StringVar(&p.file, "config", "", "`FILE` of settings ("+prefix+"CONFIG)")
	root.AddCommand(p.serveVerb(), p.migrateVerb(), p.tenantVerb(), p.userVerb(), p.teamVerb(), p.keysVerb(), p.doctorVerb())
	root.CompletionOptions.DisableDefaultCmd = true
	return root
}

// errSettings is a configuration that has mistakes.
var errSettings = errors.New("settings")

// settings are those of everything that serves.
func (p *program) settings() (*settings, error) { return p.read(true) }

// adminSettings are what a verb needs that only uses the database as its administrator, so that whoever migrates need not
// know the server's secret.
func (p *program) adminSettings() (*settings, error) { return p.read(false) }

func (p *program) read(serving bool) (*settings, error) {
	file := p.file
	for _, line := range p.environ {
		if value, found := strings.CutPrefix(line, prefix+"CONFIG="); found && file == "" {
			file = value
		}
	}
	s, err := load(file, p.environ, serving)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSettings, err)
	}
	return s, nil
}

// log is the one logger of a run.
func (p *program) log(s *settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.logLevel}
	if s.logJSON {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}

// exactly takes that many arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("%w: %w", errUsage, mistake("it is `%s`.", c.UseLine()))
		}
		return nil
	}
}

// group is a verb that only has others below it.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%w: %w", errUsage, mistake("there is no `%s %s`.", c.CommandPath(), args[0]))
		}
		return nil
	}, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(verbs...)
	return c
}
