package tray

import "github.com/coditect-ai/coditect-sync/app"

// moveInTerminal is the way from one mode to the other without a window.
const (
	moveInTerminal  = "run coditect-sync migrate in a terminal"
	loginInTerminal = "run coditect-sync login in a terminal"
)

func (v view) modeItems() []Item {
	items := []Item{info(ItemMode, "Mode"), v.cloud(), v.standalone(), v.mode(ItemOff, "Off", app.ModeOff)}
	if v.ModeLocked != "" {
		items = append(items, info(ItemLocked, line("Locked by CODITECT_SYNC_MODE="+v.ModeLocked)))
	}
	return append(items, v.account()...)
}

func (v view) mode(id ID, label string, mode app.Mode) Item {
	item := Item{ID: id, Label: label, Checked: v.Mode == mode, Do: Action{Kind: SetMode, Mode: mode}}
	if v.ModeLocked != "" {
		item.Disabled, item.Do = true, Action{}
	}
	return item
}

func (v view) signedIn() bool { return v.Cloud != nil && v.Cloud.SignedIn }

// cloud leads to the sign-in while nobody is signed in, and to the move while own storage keeps the file: the cloud is
// proved first.
func (v view) cloud() Item {
	item := v.mode(ItemCloud, "Cloud", app.ModeCloud)
	switch {
	case item.Checked:
	case v.Cloud == nil:
		item.Disabled, item.Reason, item.Do = true, "no server is configured", Action{}
	case item.Disabled:
	case !v.signedIn():
		return v.leads(item, ViewSignIn, loginInTerminal)
	case v.Mode == app.ModeStandalone:
		return v.leads(item, ViewMove, moveInTerminal)
	}
	return item
}

// standalone leads to the setup while there is no storage, and to the move while the cloud keeps the file.
func (v view) standalone() Item {
	item := v.mode(ItemStandalone, "Standalone", app.ModeStandalone)
	switch {
	case item.Disabled || item.Checked && v.Standalone != nil:
	case v.Standalone == nil:
		return v.leads(item, ViewFirstRun, setupInTerminal)
	case inCloud(v.Status):
		return v.leads(item, ViewMoveBack, moveInTerminal)
	}
	return item
}

// leads is a mode that asks one more question, in the window.
func (v view) leads(item Item, view, inTerminal string) Item {
	if v.NoWindow != "" {
		item.Disabled, item.Reason, item.Do = true, inTerminal, Action{}
		return item
	}
	item.Label, item.Do = item.Label+"…", Action{Kind: Open, View: view}
	return item
}

// account is the way in and out, and what belongs to the account. It is there as soon as a server is known.
func (v view) account() []Item {
	if v.Cloud == nil {
		return nil
	}
	if !v.signedIn() {
		in := Item{ID: ItemSignIn, Label: "Sign in…", Do: Action{Kind: Open, View: ViewSignIn}}
		if v.NoWindow != "" {
			in.Disabled, in.Reason, in.Do = true, loginInTerminal, Action{}
		}
		return []Item{{ID: ItemAccount, Label: "Account", Children: append([]Item{in}, v.lost()...)}}
	}
	label := "Account"
	if v.Cloud.User != "" {
		label = line("Account: " + v.Cloud.User)
	}
	children := append([]Item{v.opens(ItemSignOut, "Sign out…", ViewAccount)}, v.lost()...)
	return []Item{{ID: ItemAccount, Label: label, Children: append(children, v.opens(ItemMachines, "Machines", ViewMachines))}}
}

// lost is lost & found, where something is in it.
func (v view) lost() []Item {
	if v.Cloud.Rejected == 0 {
		return nil
	}
	return []Item{v.opens(ItemLost, "Lost & found ("+count(v.Cloud.Rejected)+")", ViewLost)}
}
