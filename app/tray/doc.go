// Package tray is the icon and the menu in the notification area: the face that is always there.
//
// # One way through
//
// A click becomes an Action, an Action becomes a call of app.Service, the call changes the Status, and the Status is
// looked at anew: View turns a Scene (the Status and what the tray found out about its surroundings) and the time into
// a Menu, and the painter makes the system's menu equal to it. View is pure. The tray never predicts what a click will
// lead to; it remembers only the outcome of the last one, which nothing else shows.
//
// # What the icon claims
//
// IconOf derives the icon. Only Protected claims a proof, and it needs Status.Healthy and nothing that has waited for
// more than 5 seconds. A change of icon waits a second, counted from when the shown one stopped being true, so that a
// flicker is not shown and an untrue icon never stays longer; what needs a person shows at once.
//
// # Painting
//
// Every item that the menu can ever have is made once, in the order of layout, and is then changed, hidden and shown.
// So an item keeps its identity while a menu is open, and a click on it means what it said. The moments under Restore
// are the exception, because what they mean changes: they have two sets of items, and the hidden set still answers for
// what it said last.
//
// # Systems
//
// On Linux the icon is a StatusNotifierItem on the session bus. Run waits for a bus without starting one, and comes
// back when the bus or the panel was gone. On Windows the icon belongs to a message loop, which Run runs in a thread of
// its own. On macOS it must be the main thread, and the package needs cgo; without it Run shows nothing.
package tray
