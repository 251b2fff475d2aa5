// Package desktop is what the program is to the session of the person at the machine, besides the icon and the window:
// it starts with the session, it tells what a person must know, and it opens what a person wants to read.
//
// # Start at login
//
// Autostart reads and writes the system's own record, and nothing else remembers the wish: an autostart entry of the XDG
// specification on Linux and the BSDs, a LaunchAgent on macOS, a value under HKCU\…\Run on Windows. So what the system's
// own settings show, what a file manager deletes and what the program shows are one thing. There is one record a person;
// it starts the agent of one home.
//
// # Notifications
//
// Notices compares two Status and says what is worth interrupting somebody: a cause that only a person can cure, its
// end, and a restore that has finished. Everything that cures itself is for the icon. Between the agent, whose Status can
// change many times a second, and Notices stands a settler: a cause counts when it has lasted for 10 seconds, its end when
// a whole minute was healthy and proved. A storage that fails and recovers every few seconds is one cause and is told
// once; a pause or a copy in between changes nothing. Texts are the agent's own sentences, never content of the memory,
// and are cleared of control characters and of everything that turns the direction of text around.
//
// How a notice is shown depends on the system:
//
//   - Linux and the BSDs: org.freedesktop.Notifications on the session bus, over a connection of its own that exists only
//     after something was told. A click opens the view that the notice is about. A newer notice about the same thing takes
//     the place of the older one, and what is no longer true is taken back. Without a bus or a notification service one
//     line in the log says so.
//   - macOS: osascript, the only way without cgo and a signed bundle. The notice carries the Script Editor's icon, and a
//     click on it does not open the window; the menu bar's icon does.
//   - Windows: a toast through PowerShell, under PowerShell's name, because a name of our own needs an installed shortcut. A
//     click on it opens nothing; the icon does.
//
// The ways of macOS and Windows are compiled everywhere and tried by hand only.
package desktop
