package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity/accounts"
	"github.com/coditect-ai/coditect-sync/backend/identity/password"
)

// people opens the accounts for do.
func (p *program) people(ctx context.Context, do func(*accounts.Accounts) error) error {
	s, err := p.adminSettings()
	if err != nil {
		return err
	}
	address, err := s.admin()
	if err != nil {
		return err
	}
	provider := ""
	if s.provider {
		provider = s.embedded()
	}
	a, err := accounts.Open(ctx, accounts.Config{DSN: address, Provider: provider, Passwords: password.NewHasher()})
	if err != nil {
		return err
	}
	defer a.Close()
	return do(a)
}

// with is a verb over the accounts.
func (p *program) with(use, short string, args int, do func(c *cobra.Command, a *accounts.Accounts, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: exactly(args), RunE: func(c *cobra.Command, args []string) error {
		return p.people(c.Context(), func(a *accounts.Accounts) error { return do(c, a, args) })
	}}
}

// list writes rows as a table, or v as JSON.
func (p *program) list(asJSON bool, v any, head string, rows [][]string) error {
	if asJSON {
		e := json.NewEncoder(p.out)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func jsonFlag(c *cobra.Command, asJSON *bool) *cobra.Command {
	c.Flags().BoolVar(asJSON, "json", false, "write JSON to stdout")
	return c
}

func (p *program) tenantVerb() *cobra.Command {
	var name string
	var asJSON bool
	add := p.with("add ID", "add a tenant", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		return a.AddTenant(c.Context(), backend.Tenant{ID: args[0], Name: name})
	})
	add.Flags().StringVar(&name, "name", "", "what people call it")
	list := jsonFlag(p.with("list", "list the tenants", 0, func(c *cobra.Command, a *accounts.Accounts, _ []string) error {
		all, err := a.Tenants(c.Context())
		if err != nil {
			return err
		}
		type line struct {
			ID   string `json:"tenant_id"`
			Name string `json:"name"`
		}
		lines, rows := []line{}, [][]string{}
		for _, t := range all {
			lines, rows = append(lines, line{t.ID, t.Name}), append(rows, []string{t.ID, t.Name})
		}
		return p.list(asJSON, lines, "TENANT\tNAME", rows)
	}), &asJSON)
	return group("tenant", "tenants: a company, or a person alone", add, list)
}

func (p *program) userVerb() *cobra.Command {
	return group("user", "people", p.userAdd(), p.userList(), p.userSwitch("disable", true), p.userSwitch("enable", false), p.userPassword(),
		p.userInvite(), p.userReset(), p.userExport(), p.userErase())
}

func (p *program) userAdd() *cobra.Command {
	var n accounts.NewUser
	var fromInput, none bool
	c := p.with("add EMAIL", "add a person; a random password is shown once", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		n.Email = args[0]
		shown := !none && !fromInput && n.Issuer == ""
		switch {
		case fromInput:
			line, err := readLine(p.in)
			if err != nil {
				return err
			}
			n.Password = line
		case shown:
			n.Password = randomPassword()
		}
		id, err := a.AddUser(c.Context(), n)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s is user %s of %s.\n", n.Email, id, n.Tenant)
		if shown {
			fmt.Fprintf(p.out, "Password, shown this once: %s\n", n.Password)
		}
		return nil
	})
	c.Flags().StringVar(&n.Tenant, "tenant", "", "whose `ID`")
	_ = c.MarkFlagRequired("tenant") // the flag was just made
	c.Flags().StringVar(&n.Name, "name", "", "the person's name")
	c.Flags().BoolVar(&fromInput, "password-stdin", false, "read the password from the first line of stdin")
	c.Flags().BoolVar(&none, "no-password", false, "the person signs in at another identity provider that is trusted with addresses")
	c.Flags().StringVar(&n.Issuer, "issuer", "", "`ADDRESS` of the identity provider the person signs in at, with --subject")
	c.Flags().StringVar(&n.Subject, "subject", "", "how that provider calls the person (sub)")
	c.MarkFlagsMutuallyExclusive("password-stdin", "no-password", "issuer")
	return c
}

// randomPassword has 65 bits and no characters that look alike.
func randomPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:5] + "-" + text[5:10] + "-" + text[10:13]
}

func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, password.MaxLength+2)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (p *program) userList() *cobra.Command {
	var tenant string
	var asJSON bool
	c := p.with("list", "list people", 0, func(c *cobra.Command, a *accounts.Accounts, _ []string) error {
		all, err := a.Users(c.Context(), tenant)
		if err != nil {
			return err
		}
		type line struct {
			Tenant   string   `json:"tenant_id"`
			ID       string   `json:"user_id"`
			Email    string   `json:"email"`
			Name     string   `json:"name"`
			Disabled bool     `json:"disabled"`
			Issuers  []string `json:"issuers"`
			Machines int      `json:"machines"`
		}
		lines, rows := []line{}, [][]string{}
		for _, u := range all {
			lines = append(lines, line{u.Tenant, u.ID, u.Email, u.Name, u.Disabled, u.Issuers, u.Machines})
			state := "active"
			if u.Disabled {
				state = "disabled"
			}
			rows = append(rows, []string{u.Tenant, u.Email, state, fmt.Sprint(u.Machines), u.ID})
		}
		return p.list(asJSON, lines, "TENANT\tEMAIL\tSTATE\tMACHINES\tID", rows)
	})
	c.Flags().StringVar(&tenant, "tenant", "", "only of the tenant of this `ID`")
	return jsonFlag(c, &asJSON)
}

func (p *program) userSwitch(verb string, disabled bool) *cobra.Command {
	var tenant string
	short := "let a person in again"
	if disabled {
		short = "lock a person out: the machines' tokens end at once, nothing is deleted"
	}
	c := p.with(verb+" EMAIL", short, 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		return a.SetDisabled(c.Context(), tenant, args[0], disabled)
	})
	c.Flags().StringVar(&tenant, "tenant", "", "whose `ID`, where the address is there twice")
	return c
}

func (p *program) userPassword() *cobra.Command {
	var tenant string
	var fromInput, everywhere bool
	c := p.with("password EMAIL", "give a person another password; a random one is shown once", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		secret := randomPassword()
		if fromInput {
			line, err := readLine(p.in)
			if err != nil {
				return err
			}
			secret = line
		}
		if err := a.SetPassword(c.Context(), tenant, args[0], secret, everywhere); err != nil {
			return err
		}
		if !fromInput {
			fmt.Fprintf(p.out, "Password, shown this once: %s\n", secret)
		}
		return nil
	})
	c.Flags().StringVar(&tenant, "tenant", "", "whose `ID`, where the address is there twice")
	c.Flags().BoolVar(&fromInput, "password-stdin", false, "read the password from the first line of stdin")
	c.Flags().BoolVar(&everywhere, "sign-out", false, "sign all machines of the person out, too")
	return c
}

func (p *program) teamVerb() *cobra.Command {
	var tenant string
	var asJSON bool
	add := p.with("add NAME", "add a team", 1, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
		id, err := a.AddTeam(c.Context(), tenant, args[0])
		if err == nil {
			fmt.Fprintf(p.out, "%s is team %s of %s.\n", args[0], id, tenant)
		}
		return err
	})
	list := jsonFlag(p.with("list", "list teams", 0, func(c *cobra.Command, a *accounts.Accounts, _ []string) error {
		all, err := a.Teams(c.Context(), tenant)
		if err != nil {
			return err
		}
		type line struct {
			Tenant  string   `json:"tenant_id"`
			ID      string   `json:"team_id"`
			Name    string   `json:"name"`
			Members []string `json:"members"`
		}
		lines, rows := []line{}, [][]string{}
		for _, t := range all {
			lines = append(lines, line{t.Tenant, t.ID, t.Name, t.Members})
			rows = append(rows, []string{t.Tenant, t.ID, t.Name, strings.Join(t.Members, " ")})
		}
		return p.list(asJSON, lines, "TENANT\tID\tNAME\tMEMBERS", rows)
	}), &asJSON)
	member := func(verb, short string, in bool) *cobra.Command {
		return p.with(verb+" TEAM EMAIL", short, 2, func(c *cobra.Command, a *accounts.Accounts, args []string) error {
			return a.SetMember(c.Context(), tenant, args[0], args[1], in)
		})
	}
	verbs := []*cobra.Command{add, list, member("join", "put a person into a team", true), member("leave", "take a person out of a team", false)}
	for _, v := range verbs {
		v.Flags().StringVar(&tenant, "tenant", "", "whose `ID`")
	}
	_ = add.MarkFlagRequired("tenant") // the flag was just made
	return group("team", "teams and who is in them", verbs...)
}
