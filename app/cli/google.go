package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

// signIn is how a storage lets in, as the flags say.
type signIn struct {
	with   string // google, machine, or empty: as before
	client string // the file of an OAuth client
	keys   string // the file of an access key
}

func (p *program) signInFlags(c *cobra.Command, in *signIn) {
	p.word(c, &in.with, "sign-in", "how a storage lets in: `HOW` is google (gs://, you sign in with the browser) or machine (what gcloud or the AWS tools left here)")
	p.word(c, &in.client, "google-client", "`FILE` of the OAuth client to sign in to Google with, as its console gives it")
	p.word(c, &in.keys, "s3-keys", "`FILE` of an access key for an s3:// storage, - for stdin or to type it; its secret goes into the keychain")
}

func (in signIn) check() error {
	switch {
	case in.with != "" && in.with != "google" && in.with != "machine":
		return app.Errorf(app.CodeInvalid, "setup", "There is no sign-in %q.", in.with).WithHint("It is google or machine.")
	case in.client != "" && in.with != "google":
		return app.Errorf(app.CodeInvalid, "setup", "--google-client is for --sign-in google.").WithHint("Add that, or leave it out.")
	}
	return nil
}

// letIn reads the access key and signs in to Google if the flags say so, and completes the request with them.
func (p *program) letIn(ctx context.Context, s *session, in signIn, req *app.SetupRequest) (err error) {
	if req.Access, err = p.accessOf(ctx, in.keys); err != nil {
		return err
	}
	switch in.with {
	case "":
		return nil
	case "machine":
		req.Ambient = true
		return nil
	}
	if err := p.checkGoogle(ctx, s, *req); err != nil {
		return err
	}
	login := app.GoogleLogin{}
	if login.Client, err = absoluteOrEmpty(in.client); err != nil {
		return err
	}
	begun, err := s.BeginLogin(ctx, app.LoginRequest{Google: &login})
	if err != nil {
		return err
	}
	p.tellWayIn(begun, "Without a browser here, use a key file: --credentials FILE. Ctrl+C gives up.")
	done, err := p.awaitLogin(ctx, s, "coditect-sync setup --sign-in google")
	if err != nil {
		return err
	}
	p.err.line(plain.of("Signed in to Google as "), strong.of("%s", done.User), plain.of("."))
	for _, note := range done.Notes {
		p.err.line(waits.of("%s", note))
	}
	req.Google = done.User
	return nil
}

// checkGoogle refuses, before anybody signs in, what has no gs:// storage.
func (p *program) checkGoogle(ctx context.Context, s *session, req app.SetupRequest) error {
	targets := append([]string{req.Target}, req.More...)
	if req.Target == "" {
		st, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if st.Standalone != nil {
			for _, one := range st.Standalone.Targets {
				targets = append(targets, one.Target)
			}
		}
	}
	if slices.ContainsFunc(targets, func(target string) bool { return strings.HasPrefix(target, "gs://") }) {
		return nil
	}
	return app.Errorf(app.CodeInvalid, "setup", "A sign-in to Google is for storages that begin with gs://, and there is none.").
		WithHint("Name one with --target gs://bucket/folder.")
}

// askSignIn asks how a gs:// storage lets in.
func (p *program) askSignIn(ctx context.Context, req *app.SetupRequest, in *signIn) error {
	answer, err := p.ask(ctx, "How does Google let this machine in: google (you sign in with the browser), machine (what gcloud left here), or the path of a key file?", "google")
	if err != nil {
		return err
	}
	if answer == "google" || answer == "machine" {
		in.with = answer
		return nil
	}
	req.Credentials = answer
	return nil
}
