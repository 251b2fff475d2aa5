package cli

import (
	"context"
	"log/slog"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/standalone"
)

// storage is a target as the agent wants it.
type storage struct {
	*standalone.Target
	files *fileOpener
	log   *slog.Logger
}

func openStorage(files *fileOpener, keys keySafe, google googleDoor, log *slog.Logger) func(context.Context, app.Prefs) (agent.Storage, error) {
	return func(ctx context.Context, prefs app.Prefs) (agent.Storage, error) {
		access, err := accessSafe(keys).key(prefs.Access)
		if err != nil {
			return nil, err
		}
		key, err := keys.key(prefs.Encryption)
		if err != nil {
			return nil, err
		}
		t, err := standalone.OpenTarget(ctx, standalone.TargetConfig{
			URL: prefs.Target, Credentials: prefs.Credentials, Bearer: google.bearer(prefs.Google), Access: access, Key: key, Logger: log,
		})
		if err != nil {
			return nil, err
		}
		return storage{t, files, log}, nil
	}
}

// Replica implements agent.Storage.
func (s storage) Replica(user, machine string, known app.RestorePoint) app.Replica {
	return standalone.NewReplica(standalone.ReplicaConfig{Target: s.Target, User: user, Machine: machine, Known: known, Logger: s.log})
}

// SamePlace implements agent.Storage.
func (s storage) SamePlace(ctx context.Context, other agent.Storage) (bool, error) {
	o, ok := other.(storage) // openStorage makes no others
	if !ok {
		return false, nil
	}
	return s.Target.SamePlace(ctx, o.Target)
}

// Keeper implements agent.Storage.
func (s storage) Keeper(spec agent.KeeperSpec) app.Keeper {
	file, err := s.files.get(spec.File.Path())
	if err != nil {
		return brokenKeeper{err}
	}
	var also []standalone.Another
	for _, more := range spec.More {
		if other, ok := more.Storage.(storage); ok { // openStorage makes no others
			also = append(also, standalone.Another{Target: other.Target, Known: more.Known})
		}
	}
	return standalone.NewKeeper(standalone.KeeperConfig{
		File: file, Target: s.Target, Also: also, User: spec.User, Machine: spec.Machine, Lineage: spec.Lineage, Host: spec.Host, Info: spec.Info,
		Known: spec.Known, Pins: spec.Pins, Retention: spec.Retention, Saving: spec.Saving, Tmp: spec.Tmp, Logger: s.log,
	})
}

// brokenKeeper is the Keeper of a file that cannot be opened.
type brokenKeeper struct{ err error }

func (k brokenKeeper) Run(context.Context, func(app.Report)) error { return k.err }

func (k brokenKeeper) Flush(context.Context) (app.RestorePoint, error) {
	return app.RestorePoint{}, k.err
}

func (k brokenKeeper) Mark(context.Context) (app.RestorePoint, error) {
	return app.RestorePoint{}, k.err
}

func (k brokenKeeper) Drill(context.Context) (app.Drill, error) { return app.Drill{}, k.err }
