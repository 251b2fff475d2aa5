package agent

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// fleet is the way to the machines of the account, nil while nobody is signed in.
func (a *Agent) fleet() Door {
	if _, signedIn := a.account(); !signedIn {
		return nil
	}
	return a.cfg.Door
}

// RenameMachine implements app.Fleet.
func (a *Agent) RenameMachine(ctx context.Context, id, name string) error {
	door := a.fleet()
	if door == nil {
		return noAccount("machines")
	}
	if err := door.RenameMachine(ctx, id, name); err != nil {
		return err
	}
	a.note(app.Event{Kind: app.EventAccount, Text: "A machine was named " + name})
	return nil
}

// RevokeMachine implements app.Fleet.
func (a *Agent) RevokeMachine(ctx context.Context, id string) error {
	door := a.fleet()
	if door == nil {
		return noAccount("machines")
	}
	if err := door.RevokeMachine(ctx, id); err != nil {
		return err
	}
	a.note(app.Event{Kind: app.EventAccount, Text: "A machine was signed out"})
	return nil
}
