// Package window is the settings and restore window: a web view of the system with the page of package frontend, in a
// process of its own that ends when the window is closed.
//
// # What the page can reach
//
// The page is served by this process and asks two things of it. /api/v1/… goes to the agent's socket as it is, without
// what tells of a web page, because the agent refuses that; nothing else strips it. /native/… are the few things that
// only a window can do: file dialogs, saving the text of a bundle where a dialog said, starting an agent. No Go function
// is bound to the page, and a policy keeps the web view's own bridge script from loading. Requests with a Host or an
// Origin that is not the page's are refused.
//
// A web view does not tell when a page gives up a request. So the page names requests that can be canceled, and
// /native/cancel ends the one of that name.
//
// # One window
//
// Claim takes window.lock in the home; who does not get it asks the one who has it, over the window's socket (package
// local), to come to the front and show the view. The lock is freed by the system when its owner dies.
//
// # Build tags
//
// The web view is Wails', in wails.go alone, under Wails' own tags (desktop, or bindings while its tool looks at the
// program). Everything else is plain Go and is tested without a display.
package window
