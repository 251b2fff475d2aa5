package standalone

import (
	"context"
	"slices"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// history lists the objects of a machine, which is named by its id or its name. None means this one if it has any, else the
// target's only other one.
func (r *Replica) history(ctx context.Context, machine string) (string, history, error) {
	find, id := r.called, machine
	if machine == "" {
		find, id = r.onlyOther, r.cfg.Machine
	}
	if checkID(id) == nil { // an id needs no look at who is there
		h, err := readHistory(ctx, r.client(id))
		if err != nil || len(h) > 0 || machine == r.cfg.Machine {
			return id, h, err
		}
	}
	id, err := find(ctx, machine)
	if err != nil {
		return "", nil, err
	}
	h, err := readHistory(ctx, r.client(id))
	return id, h, err
}

// opWhich is the Op of errors that say that a machine has to be chosen.
const opWhich = "which machine"

// called is the id of the machine that is named by its id or its name.
func (r *Replica) called(ctx context.Context, name string) (string, error) {
	machines, err := r.Machines(ctx)
	if err != nil {
		return "", err
	}
	var found []app.Machine
	for _, m := range machines {
		if m.ID == name {
			return name, nil
		}
		if strings.EqualFold(m.Host, name) {
			found = append(found, m)
		}
	}
	switch {
	case len(found) == 1:
		return found[0].ID, nil
	case len(found) > 1:
		return "", app.Errorf(app.CodeInvalid, "restore", "Several machines are called %s.", name).
			WithHint("Say which one by its id: %s.", listMachines(found))
	}
	return "", r.noMachine(machines, name)
}

// onlyOther is the only machine beside this one, or this one when there is none.
func (r *Replica) onlyOther(ctx context.Context, _ string) (string, error) {
	machines, err := r.Machines(ctx)
	others := r.others(machines)
	switch {
	case err != nil:
		return "", err
	case len(others) == 0:
		return r.cfg.Machine, nil
	case len(others) > 1:
		return "", app.Errorf(app.CodeInvalid, opWhich, "Several machines keep copies here: %s.", listMachines(others)).
			WithHint("Say which one.").Typed("Say which one with --machine.")
	}
	return others[0].ID, nil
}

func (r *Replica) others(machines []app.Machine) []app.Machine {
	return slices.DeleteFunc(slices.Clone(machines), func(m app.Machine) bool { return m.ID == r.cfg.Machine })
}

func (r *Replica) noMachine(machines []app.Machine, name string) error {
	e := app.Errorf(app.CodeNotFound, "restore", "There are no copies of a machine %s.", name)
	others := r.others(machines)
	if len(others) == 0 {
		return e.WithHint("User %s has copies of no other machine here. Look at the storage.", r.cfg.User).
			Typed("User %s has copies of no other machine here. Look at --user, or at the storage.", r.cfg.User)
	}
	return e.WithHint("There are copies of %s.", listMachines(others))
}

// listMachines names machines as people tell them apart, with the ids to type.
func listMachines(machines []app.Machine) string {
	names := make([]string, len(machines))
	for i, m := range machines {
		if names[i] = m.ID; m.Host != "" {
			names[i] = m.Host + " (" + m.ID + ")"
		}
	}
	return strings.Join(names, ", ")
}
