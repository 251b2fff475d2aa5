package cli

import (
	"log/slog"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/cloud"
)

// envStream is the address of the sync stream where a PowerSync Service serves it and not the server.
const envStream = "CODITECT_STREAM"

// cloudOpener makes what syncs files over an account's tokens.
type cloudOpener struct {
	files   *fileOpener
	tokens  cloud.Tokens
	version string
	stream  string
	log     *slog.Logger
}

func (c cloudOpener) config(spec agent.CloudSpec) (cloud.Config, error) {
	file, err := c.files.get(spec.File.Path())
	if err != nil {
		return cloud.Config{}, err
	}
	return cloud.Config{
		Server: spec.Account.Server, Stream: c.stream, User: spec.Account.User, Machine: spec.Machine, Name: spec.Account.Who(),
		Tenant: spec.Account.Tenant, File: file, Tokens: c.tokens, Known: spec.Known, Saving: spec.Saving, Version: c.version, Logger: c.log,
	}, nil
}

func (c cloudOpener) syncer(spec agent.CloudSpec) (app.Syncer, error) {
	config, err := c.config(spec)
	if err != nil {
		return nil, err
	}
	e, err := cloud.New(config)
	if err != nil {
		return nil, err // a nil *cloud.Engine must not become an app.Syncer that is not nil
	}
	return e, nil
}

func (c cloudOpener) uploader(spec agent.CloudSpec) (agent.Uploader, error) {
	config, err := c.config(spec)
	if err != nil {
		return nil, err
	}
	u, err := cloud.NewUploader(config)
	if err != nil {
		return nil, err
	}
	return u, nil
}
