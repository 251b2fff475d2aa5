package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) lostVerb() *cobra.Command {
	c := &cobra.Command{
		Use: "lost", Short: "Lost & found: what the cloud did not accept, and what lost a conflict", Args: noArguments,
		RunE: p.does(p.lostList), ValidArgsFunction: cobra.NoFileCompletions,
	}
	p.jsonFlag(c)
	var yes bool
	discard := p.itemVerb("discard ID", "Remove an item for good", func(ctx context.Context, id string) error { return p.lostDiscard(ctx, id, yes) })
	discard.Flags().BoolVar(&yes, "yes", false, "do not ask")
	var beside bool
	reapply := p.itemVerb("reapply ID", "Write an item into the file again, as an ordinary change", func(ctx context.Context, id string) error {
		return p.lostReapply(ctx, id, beside)
	})
	reapply.Flags().BoolVar(&beside, "beside", false, "keep both: as a row of its own beside the version in use")
	c.AddCommand(
		p.readingVerb("list", "List the items, newest first", p.lostList),
		p.itemVerb("show ID", "Show an item: what was wanted, and what the cloud has", p.lostShow),
		reapply, p.exportVerb(), discard,
	)
	return c
}

// itemVerb is a verb about one item.
func (p *program) itemVerb(use, short string, do func(ctx context.Context, id string) error) *cobra.Command {
	c := p.readingVerb(use, short, nil)
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return app.Errorf(app.CodeInvalid, "lost", "%q takes the id of one item.", c.Name()).WithHint("`coditect-sync lost list` lists them.")
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error { return ran(do(c.Context(), args[0])) }
	return c
}

func (p *program) lostList(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		list, err := s.Lost(ctx)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(orEmpty(list))
			return nil
		}
		if len(list) == 0 {
			p.out.line(plain.of("Nothing. When two people change the same row, both versions are kept here."))
			return nil
		}
		t := table{{title: "when"}, {title: "table"}, {title: "why"}, {title: "other version of", opt: true}, {title: "row", opt: true}, {title: "id"}}
		for _, item := range list {
			t.row(plain.of("%s", age(item.At, p.now())), plain.of("%s", item.Table), plain.of("%s", item.Why), plain.of("%s", otherWriter(item)), plain.of("%s", item.Row), plain.of("%s", item.ID))
		}
		p.out.table(t)
		return nil
	})
}

// item finds one by its id.
func item(ctx context.Context, s *session, id string) (app.LostItem, error) {
	list, err := s.Lost(ctx)
	if err != nil {
		return app.LostItem{}, err
	}
	for _, i := range list {
		if i.ID == id {
			return i, nil
		}
	}
	return app.LostItem{}, app.Errorf(app.CodeNotFound, "lost", "There is no item %q in lost & found.", id).
		WithHint("`coditect-sync lost list` lists them.")
}

func (p *program) lostShow(ctx context.Context, id string) error {
	return p.with(ctx, anyhow, func(s *session) error {
		i, err := item(ctx, s, id)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(i)
			return nil
		}
		p.out.line(strong.of("%s, row %s", i.Table, i.Row))
		p.out.line(plain.of("%s", i.Why))
		p.out.field("When", plain.of("%s", moment(i.At, p.now())))
		if other := otherWriter(i); other != "" {
			p.out.field("Other version", plain.of("of %s", other))
		}
		p.tellColumns(i)
		return nil
	})
}

// otherWriter is who wrote the other version and where, "" where that is not known.
func otherWriter(i app.LostItem) string {
	switch {
	case i.Machine == "":
		return i.By
	case i.By == "":
		return "you on " + i.Machine
	default:
		return i.By + " on " + i.Machine
	}
}

// tellColumns shows both versions, a column a line. What a memory holds is hostile; the screen cleans it.
func (p *program) tellColumns(i app.LostItem) {
	mine, theirs := columns(i.Mine), columns(i.Theirs)
	p.out.gap()
	t := table{{title: "column"}, {title: "yours"}, {title: "cloud"}}
	if i.Code == app.LostOverwritten { // this machine's is what the cloud has
		t[1].title, t[2].title = "theirs", "yours"
	}
	for _, name := range sortedNames(mine, theirs) {
		t.row(plain.of("%s", name), plain.of("%s", short(mine[name])), plain.of("%s", short(theirs[name])))
	}
	if len(t[0].cells) > 0 {
		p.out.table(t)
	}
}

func columns(row json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if json.Unmarshal(row, &out) != nil { // no row
		return nil
	}
	return out
}

func (p *program) lostReapply(ctx context.Context, id string, beside bool) error {
	return p.with(ctx, anyhow, func(s *session) error {
		write, done := s.ReapplyLost, "Written into %s again, as an ordinary change."
		if beside {
			write, done = s.KeepBoth, "Written into %s as a row of its own. Both versions are kept."
		}
		i, err := write(ctx, id)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(i)
			return nil
		}
		p.out.line(proved.of("%s "+done, glyphStep, i.Table))
		return nil
	})
}

func (p *program) lostDiscard(ctx context.Context, id string, yes bool) error {
	if !yes && !p.canAsk() {
		return needsYes("lost", "A discarded item is gone for good.")
	}
	return p.with(ctx, anyhow, func(s *session) error {
		if !yes {
			if err := p.confirm(ctx, "lost", "Discard it for good?"); err != nil {
				return err
			}
		}
		if err := s.DiscardLost(ctx, id); err != nil {
			return err
		}
		if p.json {
			p.writeJSON(map[string]string{"discarded": id})
			return nil
		}
		p.out.line(plain.of("Discarded."))
		return nil
	})
}

func (p *program) exportVerb() *cobra.Command {
	var to string
	c := p.readingVerb("export", "Write all items into a new file, as JSON", func(ctx context.Context) error { return p.lostExport(ctx, to) })
	p.word(c, &to, "to", "`FILE` to make")
	return c
}

func (p *program) lostExport(ctx context.Context, to string) error {
	if to == "" {
		return app.Errorf(app.CodeInvalid, "lost", "Where to write is not said.").WithHint("Add --to FILE.")
	}
	path, err := filepath.Abs(to)
	if err != nil {
		return app.AsError("lost", err)
	}
	return p.with(ctx, anyhow, func(s *session) error {
		list, err := s.Lost(ctx)
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(orEmpty(list), "", "  ")
		if err != nil {
			return app.AsError("lost", err)
		}
		if err := writeNew(path, append(text, '\n')); err != nil {
			return err
		}
		if p.json {
			p.writeJSON(map[string]any{"file": path, "items": len(list)})
			return nil
		}
		p.out.line(plain.of("%s written to %s.", count(int64(len(list)), "item"), path))
		return nil
	})
}

// writeNew makes a file that only this user may read. Nothing is overwritten.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return app.Errorf(app.CodeRefused, "lost", "%s exists already.", path).WithHint("Choose another name; nothing is overwritten.")
	}
	if err == nil {
		_, err = file.Write(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return app.Errorf(app.CodeDenied, "lost", "%s cannot be written.", path).WithHint("Choose a folder that you may write to.").Wrap(err)
	}
	return nil
}
