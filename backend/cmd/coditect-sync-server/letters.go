package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity/accounts"
	"github.com/coditect-ai/coditect-sync/backend/identity/letters"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

func (p *program) userInvite() *cobra.Command {
	var n accounts.NewUser
	var team string
	c := p.with("invite EMAIL", "add a person who chooses the password himself, by a letter or a link", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		n.Email = args[0]
		code, err := a.Invite(c.Context(), n, team)
		if err != nil {
			return err
		}
		return p.deliver(c.Context(), func(issuer string) backend.Letter {
			return letters.Invite(n.Email, "Whoever runs the server", issuer, code)
		}, code)
	})
	c.Flags().StringVar(&n.Tenant, "tenant", "", "whose `ID`")
	_ = c.MarkFlagRequired("tenant") // the flag was just made
	c.Flags().StringVar(&n.Name, "name", "", "the person's name")
	c.Flags().StringVar(&team, "team", "", "`ID` of a team to put the person into")
	return c
}

func (p *program) userReset() *cobra.Command {
	var tenant string
	c := p.with("reset EMAIL", "let a person choose another password, by a letter or a link", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		code, err := a.Reset(c.Context(), tenant, args[0])
		if err != nil {
			return err
		}
		return p.deliver(c.Context(), func(issuer string) backend.Letter { return letters.Reset(args[0], issuer, code) }, code)
	})
	c.Flags().StringVar(&tenant, "tenant", "", "whose `ID`, where the address is there twice")
	return c
}

// deliver sends a letter, or prints its link where nobody sends any.
func (p *program) deliver(ctx context.Context, letter func(issuer string) backend.Letter, code letters.Code) error {
	s, err := p.adminSettings()
	if err != nil {
		return err
	}
	post, err := s.post()
	if err != nil {
		return err
	}
	l := letter(s.embedded())
	if post == nil {
		fmt.Fprintf(p.out, "No mailer is configured. Give this link to %s and to nobody else: %s\n", l.To, code.Link(s.embedded()))
		return nil
	}
	if err := post.Send(ctx, l); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "A letter to %s is under way.\n", l.To)
	return nil
}

func (p *program) userExport() *cobra.Command {
	var tenant string
	c := p.with("export EMAIL", "write all that is kept about a person and by him, as lines of JSON", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		u, err := a.Find(c.Context(), tenant, args[0])
		if err != nil {
			return err
		}
		s, err := p.adminSettings()
		if err != nil {
			return err
		}
		store, err := postgres.Open(c.Context(), postgres.Config{DSN: s.databases["app_api"], MaxConns: 1, Log: p.log(s)})
		if err != nil {
			return err
		}
		defer store.Close()
		out := bufio.NewWriter(p.out)
		err = store.Export(c.Context(), backend.Principal{Tenant: u.Tenant, User: u.ID}, func(line []byte) error {
			_, err := out.Write(line)
			return err
		})
		if err != nil {
			return err
		}
		return out.Flush()
	})
	c.Flags().StringVar(&tenant, "tenant", "", "whose `ID`, where the address is there twice")
	return c
}

func (p *program) userErase() *cobra.Command {
	var tenant string
	var sure bool
	c := p.with("erase EMAIL", "delete a person and all that he has written, for good", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		if !sure {
			return fmt.Errorf("%w: %w", errUsage, mistake("this cannot be undone: say --yes. `user export` first writes what is there."))
		}
		rows, err := a.Erase(c.Context(), tenant, args[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s is erased, with %d rows. Other people's machines drop them at their next contact; backups of the database still have them until they are gone.\n", args[0], rows)
		return nil
	})
	c.Flags().StringVar(&tenant, "tenant", "", "whose `ID`, where the address is there twice")
	c.Flags().BoolVar(&sure, "yes", false, "it is meant")
	return c
}
