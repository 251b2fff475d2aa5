package standalone

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// targetIndex is standalone/index.json: the user ids at the target, for machines that are set up later.
type targetIndex struct {
	Users []string `json:"users"`
}

// Users lists the user ids known at the target, sorted: those of standalone/index.json and those that have data.
func (t *Target) Users(ctx context.Context) ([]string, error) {
	ids, _, err := t.users(ctx)
	return ids, asError("target", err)
}

func (t *Target) users(ctx context.Context) (known, indexed []string, err error) {
	var index targetIndex
	err = t.readJSON(ctx, indexKey(), &index)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	folders, err := t.store.dirs(ctx, layoutRoot)
	if err != nil {
		return nil, nil, err
	}
	known = slices.DeleteFunc(append(folders, index.Users...), func(id string) bool { return checkID(id) != nil })
	slices.Sort(known)
	return slices.Compact(known), index.Users, nil
}

// EnsureUser settles the {user_id} of the object layout: wish if it is set, else the only id known at the target, else
// a random one. It is in standalone/index.json afterwards. Several known ids are CodeInvalid; known lists them.
func (t *Target) EnsureUser(ctx context.Context, wish string) (user string, known []string, err error) {
	if wish != "" {
		if err := checkID(wish); err != nil {
			return "", nil, err
		}
	}
	known, indexed, err := t.users(ctx)
	if err != nil {
		return "", nil, classify("target", err)
	}
	switch {
	case wish != "":
		user = wish
	case len(known) > 1:
		return "", known, app.Errorf(app.CodeInvalid, "user", "Several people keep copies here: %s.", strings.Join(known, ", ")).
			WithHint("Say which one you are.").Typed("Say which one you are with --user.")
	case len(known) == 1:
		user = known[0]
	default:
		user = strings.ToLower(rand.Text()[:12])
	}
	if !slices.Contains(indexed, user) {
		err = t.writeJSON(ctx, indexKey(), targetIndex{Users: append(indexed, user)})
	}
	return user, known, asError("target", err)
}

// checkID keeps user and machine ids from becoming paths.
func checkID(id string) error {
	bad := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.@+", r))
	}
	if id == "" || len(id) > 128 || id[0] == '.' || id == indexName || strings.ContainsFunc(id, bad) {
		return app.Errorf(app.CodeInvalid, "target", "%q cannot be a user id.", id).
			WithHint("Use letters, digits and - _ . @ +, at most 128.")
	}
	return nil
}

// Machines lists the machines of a user, sorted by id. This is false in all of them: a target does not know who asks.
// A machine whose machine.json was never written or is unreadable is listed by its id alone.
func (t *Target) Machines(ctx context.Context, user string) ([]app.Machine, error) {
	ids, err := t.store.dirs(ctx, userDir(user))
	if err != nil {
		return nil, classify("machines", err)
	}
	machines := make([]app.Machine, 0, len(ids))
	for _, id := range ids {
		if id == lineageName { // keeps the leases
			continue
		}
		info, err := t.ReadMachine(ctx, user, id)
		if err != nil && app.CodeOf(err) != app.CodeNotFound && app.CodeOf(err) != app.CodeDamaged {
			return nil, err
		}
		machines = append(machines, app.Machine{ID: id, User: user, MachineInfo: info})
	}
	return machines, t.markPrimaries(ctx, user, machines)
}

// markPrimaries says of each machine whether it is the one that writes its lineage.
func (t *Target) markPrimaries(ctx context.Context, user string, machines []app.Machine) error {
	known := map[string]lease{}
	for i := range machines {
		m := &machines[i]
		if m.Lineage == "" || checkID(m.Lineage) != nil {
			continue
		}
		l, ok := known[m.Lineage]
		if !ok {
			var err error
			if l, err = t.readLease(ctx, user, m.Lineage); err != nil {
				return classify("machines", err)
			}
			known[m.Lineage] = l
		}
		if l.Machine == m.ID {
			m.Primary, m.PrimarySince = true, l.Since
		}
	}
	return nil
}

// WriteMachine writes machine.json beside a machine's data.
func (t *Target) WriteMachine(ctx context.Context, user, machine string, info app.MachineInfo) error {
	return asError("machines", t.writeJSON(ctx, machineKey(user, machine), info))
}

// ReadMachine reads machine.json. CodeNotFound while there is none, CodeDamaged when it makes no sense.
func (t *Target) ReadMachine(ctx context.Context, user, machine string) (info app.MachineInfo, err error) {
	err = t.readJSON(ctx, machineKey(user, machine), &info)
	return info, asError("machines", err)
}

func (t *Target) writeJSON(ctx context.Context, key string, v any) error {
	content, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return t.putBytes(ctx, key, append(content, '\n'))
}

func (t *Target) readJSON(ctx context.Context, key string, v any) error {
	content, err := t.getBytes(ctx, key)
	if _, unsealed := errors.AsType[*decodeError](err); err != nil && !unsealed {
		return err
	}
	if err == nil {
		err = json.Unmarshal(content, v)
	}
	if err != nil {
		return damagedObject(key, err)
	}
	return nil
}

func damagedObject(key string, err error) error {
	return app.Errorf(app.CodeDamaged, "target", "The object %s is damaged.", key).
		WithHint("Give it another name at the storage; setting the storage up again writes it anew.").
		Typed("Give it another name at the storage; `coditect-sync setup` writes it anew.").Wrap(err)
}
