package tray

import "time"

// Menu is what the notification area shows: an icon, a tooltip, and a menu.
type Menu struct {
	Icon    Icon
	Tooltip string
	// Items are in the order of layout; a divider stands between groups.
	Items []Item
	// Stale is when the passing of time alone changes the menu; zero for never.
	Stale time.Time
}

// Item is one line of a menu.
type Item struct {
	ID    ID
	Label string
	// Checked counts for the items that layout makes checkable.
	Checked bool
	// Disabled items only inform, or cannot be used now.
	Disabled bool
	// Reason says why an item is disabled that one would expect to work. It is shown behind the label.
	Reason   string
	Children []Item
	Do       Action
}

// ID names an item for as long as the program runs.
type ID string

// The items.
const (
	ItemState      ID = "state"
	ItemWhy        ID = "why"
	ItemWhy2       ID = "why-2"
	ItemWhy3       ID = "why-3"
	ItemOutcome    ID = "outcome"
	ItemFix        ID = "fix"
	ItemWaiting    ID = "waiting"
	ItemProof      ID = "proof"
	ItemSync       ID = "sync"
	ItemResume     ID = "resume"
	ItemPause      ID = "pause"
	ItemPause30m   ID = "pause-30m"
	ItemPause2h    ID = "pause-2h"
	ItemPauseDay   ID = "pause-tomorrow"
	ItemPauseOpen  ID = "pause-open"
	ItemMode       ID = "mode"
	ItemCloud      ID = "mode-cloud"
	ItemStandalone ID = "mode-standalone"
	ItemOff        ID = "mode-off"
	ItemLocked     ID = "mode-locked"
	ItemAccount    ID = "account"
	ItemSignIn     ID = "account-in"
	ItemSignOut    ID = "account-out"
	ItemLost       ID = "lost"
	ItemMachines   ID = "machines"
	ItemUndo       ID = "undo"
	ItemRestore    ID = "restore"
	ItemHourAgo    ID = "restore-hour"
	ItemYesterday  ID = "restore-yesterday"
	ItemNoPoints   ID = "restore-none"
	ItemPoint1     ID = "restore-1"
	ItemPoint2     ID = "restore-2"
	ItemPoint3     ID = "restore-3"
	ItemChoose     ID = "restore-choose"
	ItemWindow     ID = "window"
	ItemHelp       ID = "help"
	ItemBundle     ID = "help-diagnostics"
	ItemLogs       ID = "help-logs"
	ItemDoctor     ID = "help-doctor"
	ItemQuit       ID = "quit"
)

// place is where an item stands. An empty id is a divider.
type place struct {
	id    ID
	check bool
	// changing items mean something else from time to time; see the painter.
	changing bool
	children []place
}

// layout is every item the menu can have, in order. The groups at the top are never empty, whatever View leaves out,
// because dividers cannot be hidden.
var layout = []place{
	{id: ItemState}, {id: ItemWhy}, {id: ItemWhy2}, {id: ItemWhy3}, {id: ItemOutcome},
	{},
	{id: ItemFix}, {id: ItemWaiting}, {id: ItemProof}, {id: ItemSync}, {id: ItemResume},
	{id: ItemPause, children: []place{{id: ItemPause30m}, {id: ItemPause2h}, {id: ItemPauseDay}, {id: ItemPauseOpen}}},
	{},
	{id: ItemMode}, {id: ItemCloud, check: true}, {id: ItemStandalone, check: true}, {id: ItemOff, check: true}, {id: ItemLocked},
	{id: ItemAccount, children: []place{{id: ItemSignIn}, {id: ItemSignOut}, {id: ItemLost}, {id: ItemMachines}}},
	{},
	{id: ItemUndo},
	{id: ItemRestore, children: []place{
		{id: ItemHourAgo, changing: true}, {id: ItemYesterday, changing: true},
		{},
		{id: ItemNoPoints}, {id: ItemPoint1, changing: true}, {id: ItemPoint2, changing: true}, {id: ItemPoint3, changing: true},
		{},
		{id: ItemChoose},
	}},
	{},
	{id: ItemWindow},
	{id: ItemHelp, children: []place{{id: ItemBundle}, {id: ItemLogs}, {id: ItemDoctor}}},
	{id: ItemQuit},
}

// find returns the item with id among items and their children, nil when it is not shown.
func find(items []Item, id ID) *Item {
	for i := range items {
		if items[i].ID == id {
			return &items[i]
		}
		if found := find(items[i].Children, id); found != nil {
			return found
		}
	}
	return nil
}
