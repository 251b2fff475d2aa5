package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

const setupLong = `Say which file to keep safe and where its copies go, and try both.

The file is made with the tables of the context memory where it is missing; of an existing file its own tables are not
touched. The storage is one of

  /mnt/nas/memory or file:///mnt/nas/memory     a folder on a disk or NAS
  gs://bucket/folder                            Google Cloud Storage
  s3://bucket/folder                            Amazon S3; ?region=NAME where the AWS configuration says another
  s3://bucket/folder?endpoint=https://HOST      a server that speaks S3
  sftp://user@host/folder                       a folder of another computer, over SSH; host:PORT where it is not 22

or several, with --target for each: every one holds the whole history by itself, and none waits for another. Those of before
that are not named any more are not written any more; coditect-sync target adds and removes one.

A gs:// storage is let into with a key file of a service account (--credentials), with what gcloud left on this machine, or
with --sign-in google: a browser opens, and Google asks you whether this machine may use your buckets. A build that knows no
OAuth client of its own needs one once, --google-client FILE, as the Google Cloud console gives it (kind: Desktop app).

Keys are never part of the URL: those for s3:// come from --s3-keys FILE, whose secret then is in the keychain, or are found
where AWS tools keep them (~/.aws/credentials, the environment, the machine's role), those for sftp:// in the ssh agent and ~/.ssh, which must know the server already. The storage is written to, read back and cleaned up before anything is
saved.

With --encrypt everything is encrypted on this machine before it goes up, with a recovery key that is shown once and must be
given back; in a script --key-file FILE writes it to a new file, and reads it from there. Plain and encrypted copies are never
mixed: encrypted ones begin in a storage of their own, with the whole file. On another machine --key-file, or a question, gives
the key to setup. Without the key nobody can read the copies, we neither.`

func (p *program) setupVerb() *cobra.Command {
	var req app.SetupRequest
	var targets []string
	var yes bool
	var keyFile string
	var in signIn
	c := p.readingVerb("setup", "Choose the file and the storage", func(ctx context.Context) error {
		if slices.Contains(targets, "") {
			return app.Errorf(app.CodeInvalid, "setup", "--target is empty.").WithHint("Give it a value, or leave it out.")
		}
		if len(targets) > 0 {
			req.Target, req.More = targets[0], append(req.More, targets[1:]...)
		}
		return p.setup(ctx, req, keyFile, in, yes)
	})
	c.Long = setupLong
	p.word(c, &req.DB, "db", "the SQLite `FILE` to keep safe")
	c.Flags().StringArrayVar(&targets, "target", nil, "where the copies go, a `URL` or a folder; may be repeated, and each holds the whole history")
	p.word(c, &req.User, "user", "whose copies they are at the storage, an `ID`")
	p.word(c, &req.Credentials, "credentials", "service-account key `FILE` for a gs:// storage")
	p.signInFlags(c, &in)
	c.Flags().BoolVar(&req.Encrypt, "encrypt", false, "encrypt the copies on this machine, with a new recovery key")
	p.word(c, &keyFile, "key-file", "`FILE` of the recovery key of encrypted copies, - for stdin; with --encrypt it is made if it is missing")
	c.Flags().BoolVar(&req.TakeOver, "take-over", false, "write the history of the file from here on, instead of the machine that does")
	c.Flags().BoolVar(&req.Branch, "branch", false, "begin a history of its own, beside the one that another machine writes")
	c.Flags().BoolVar(&req.Create, "create", false, "make a missing bucket")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask, take what is set or the defaults")
	return c
}

func (p *program) setup(ctx context.Context, req app.SetupRequest, keyFile string, in signIn, yes bool) (err error) {
	asks := req.DB == "" && req.Target == "" && keyFile == "" && in == (signIn{}) && !yes
	if asks && !p.canAsk() {
		return needsYes("setup", "Neither --db nor --target says what to set up.")
	}
	if err := in.check(); err != nil {
		return err
	}
	if req.Key, err = p.keyOf(keyFile, req.Encrypt); err != nil {
		return err
	}
	return p.with(ctx, anyhow, func(s *session) error {
		if asks {
			if err := p.askSetup(ctx, s, &req, &in); err != nil {
				return err
			}
		}
		if err := fullPaths(&req); err != nil {
			return err
		}
		if err := p.letIn(ctx, s, in, &req); err != nil {
			return err
		}
		res, err := p.trySetup(ctx, s, req, asks)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(res)
			return nil
		}
		p.tellSetup(res, s.own)
		return nil
	})
}

func (p *program) askSetup(ctx context.Context, s *session, req *app.SetupRequest, in *signIn) error {
	st, err := s.Status(ctx)
	if err != nil {
		return err
	}
	layout, err := p.layout()
	if err != nil {
		return err
	}
	file, target := layout.DB, layout.DefaultTarget
	if st.DB.Path != "" {
		file = st.DB.Path
	}
	if st.Standalone != nil && st.Standalone.Target != "" {
		target = st.Standalone.Target
	}
	if req.DB, err = p.ask(ctx, "Which SQLite file is to be kept safe?", file); err != nil {
		return err
	}
	req.Target, err = p.ask(ctx, "Where do the copies go, a folder, gs://bucket/folder, s3://bucket/folder or sftp://user@host/folder?", target)
	if err != nil || !strings.HasPrefix(req.Target, "gs://") || req.Target == target {
		return err
	}
	return p.askSignIn(ctx, req, in)
}

// trySetup asks who is meant where the storage knows several people, and what is to become of the history where another
// machine writes it, if somebody can answer.
func (p *program) trySetup(ctx context.Context, s *session, req app.SetupRequest, asks bool) (app.SetupResult, error) {
	res, err := s.Setup(ctx, req)
	if req.Key == "" && needsKey(err) && p.canAsk() {
		if req.Key, err = p.keyFor(ctx, app.AsError("setup", err)); err != nil {
			return res, err
		}
		return p.trySetup(ctx, s, req, asks)
	}
	if asks && app.CodeOf(err) == app.CodeRefused && app.AsError("", err).Op == "primary" {
		return p.setupPrimary(ctx, s, req, app.AsError("setup", err))
	}
	if !asks || req.User != "" || app.CodeOf(err) != app.CodeInvalid || app.AsError("", err).Op != "user" {
		return res, err
	}
	e := app.AsError("setup", err)
	p.err.line(plain.of("%s", e.Message))
	if req.User, err = p.ask(ctx, "Which one are you?", ""); err != nil {
		return res, err
	}
	return s.Setup(ctx, req)
}

// setupPrimary asks whether to take over or to branch.
func (p *program) setupPrimary(ctx context.Context, s *session, req app.SetupRequest, e *app.Error) (app.SetupResult, error) {
	p.err.line(plain.of("%s", e.Message))
	answer, err := p.ask(ctx, "Take over from it, or branch: a history of its own beside it?", "branch")
	if err != nil {
		return app.SetupResult{}, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "branch":
		req.Branch = true
	case "take over", "take-over":
		req.TakeOver = true
	default:
		return app.SetupResult{}, e
	}
	return s.Setup(ctx, req)
}

func fullPaths(req *app.SetupRequest) (err error) {
	if req.DB, err = absoluteOrEmpty(req.DB); err != nil {
		return err
	}
	if req.Credentials, err = absoluteOrEmpty(req.Credentials); err != nil {
		return err
	}
	if req.Target, err = targetURL(req.Target); err != nil {
		return err
	}
	for i := range req.More {
		if req.More[i], err = targetURL(req.More[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) tellSetup(res app.SetupResult, own bool) {
	for _, step := range res.Steps {
		p.out.block(0, 2, quiet.of("%s ", glyphStep), plain.of("%s", step))
	}
	p.out.gap()
	p.out.field("File", plain.of("%s", res.DB))
	p.out.field("Storage", plain.of("%s", res.Target))
	for _, more := range res.More {
		p.out.field("and", plain.of("%s", more))
	}
	p.out.field("User", plain.of("%s", res.User))
	if res.Encryption != "" {
		p.out.field("Encrypted", plain.of("with the recovery key %s", res.Encryption))
	}
	for _, note := range res.Notes {
		p.out.gap()
		p.out.block(0, 2, waits.of("%s ", glyphWaits), plain.of("%s", note))
	}
	p.out.gap()
	switch {
	case res.Status.ModeLocked != "" && res.Status.Mode != app.ModeStandalone:
		p.out.line(lockedSpan(res.Status))
	default:
		p.out.line(plain.of("%s", afterSetup(res.Status, own)))
	}
}

// afterSetup says what is proved by now, and what begins with what was set up; own is where no agent runs.
func afterSetup(st app.Status, own bool) string {
	var proved, open []string
	if st.Standalone != nil {
		for _, one := range st.Standalone.Targets {
			if one.LastDrill != nil && one.LastDrill.OK {
				proved = append(proved, one.Target)
			} else {
				open = append(open, one.Target)
			}
		}
	}
	there := "Proved at " + strings.Join(proved, " and ")
	switch {
	case len(proved) == 0 && own:
		return "Nothing is protected yet. Start with `coditect-sync start`."
	case len(proved) == 0:
		return "The first copy begins now; a test restore follows by itself. `coditect-sync status` shows both."
	case len(open) == 0 && own:
		return there + ". Copying goes on with `coditect-sync start`."
	case len(open) == 0:
		return there + ". Copying goes on."
	case own:
		return there + ", not yet at " + strings.Join(open, " and ") + ". The copy there begins with `coditect-sync start`."
	}
	return there + ", not yet at " + strings.Join(open, " and ") + ". The copy there begins now; a test restore follows by itself. `coditect-sync target` shows each."
}
