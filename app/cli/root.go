package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

const rootLong = `CODITECT Sync keeps one SQLite file safe while other programs write to it, and brings back any moment of it.

Without a verb it starts the agent, which does the work and has an icon in the tray; if the agent runs already, it opens
the window, or says how things are where there is none.`

// root is the whole command tree.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use: "coditect-sync", Short: "Keep a SQLite file safe and bring back any moment of it", Long: rootLong,
		Version: p.version, Args: knownVerb, RunE: p.does(p.withoutVerb),
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := p.noEmptyWords(c); err != nil {
				return ran(err)
			}
			return ran(p.checkEnvironment())
		},
	}
	root.PersistentFlags().StringVar(&p.homeFlag, "home", "", "`FOLDER` of everything the program keeps (CODITECT_HOME)")
	p.words = append(p.words, "home")
	root.PersistentFlags().BoolVar(&p.plain, "no-color", false, "no colours (NO_COLOR)")
	root.AddCommand(
		p.setupVerb(), p.startVerb(), p.stopVerb(), p.statusVerb(), p.pointsVerb(), p.restoreVerb(), p.undoVerb(), p.verifyVerb(), p.retentionVerb(), p.targetVerb(),
		p.modeVerb(), p.pauseVerb(), p.resumeVerb(), p.machinesVerb(), p.doctorVerb(), p.agentVerb(), p.windowVerb(), p.quitVerb(),
		p.loginVerb(), p.logoutVerb(), p.pushVerb(), p.migrateVerb(), p.rebuildVerb(), p.lostVerb(),
		p.projectVerb(), p.teamVerb(),
	)
	return root
}

// verb makes a command without arguments that runs do.
func (p *program) verb(use, short string, do func(context.Context) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: noArguments, RunE: p.does(do), ValidArgsFunction: cobra.NoFileCompletions}
}

// readingVerb is a verb with --json.
func (p *program) readingVerb(use, short string, do func(context.Context) error) *cobra.Command {
	c := p.verb(use, short, do)
	p.jsonFlag(c)
	return c
}

func (p *program) jsonFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.json, "json", false, "write JSON to stdout")
}

// word is a flag with a text that may not be empty: a script whose variable is unset must not get the default of
// restore --to, which is the live file.
func (p *program) word(c *cobra.Command, value *string, name, usage string) {
	c.Flags().StringVar(value, name, "", usage)
	p.words = append(p.words, name)
}

func (p *program) noEmptyWords(c *cobra.Command) error {
	for _, name := range p.words {
		if f := c.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return app.Errorf(app.CodeInvalid, c.Name(), "--%s is empty.", name).WithHint("Give it a value, or leave it out.")
		}
	}
	return nil
}

func (p *program) does(do func(context.Context) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) error { return ran(do(c.Context())) }
}

// checkEnvironment refuses a wrong CODITECT_SYNC_MODE before anything is done, whatever the verb.
func (p *program) checkEnvironment() error {
	if _, err := p.forced(); err != nil {
		return err
	}
	_, err := p.logLevel()
	return err
}

func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return app.Errorf(app.CodeInvalid, c.Name(), "%q takes no argument, and here is %q.", c.Name(), args[0]).
		WithHint("See `coditect-sync %s --help`.", c.Name())
}

// knownVerb is asked about words that are no verb.
func knownVerb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := app.Errorf(app.CodeInvalid, "usage", "There is no verb %q.", args[0])
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return e.WithHint("Did you mean `coditect-sync %s`?", strings.Join(near, "` or `coditect-sync "))
	}
	return e.WithHint("`coditect-sync --help` lists them.")
}
