// Package window holds no program, only tests of the real window on a real screen: the program as it is shipped, an
// agent of its own, WebKitGTK, a window manager, on a display that nobody sees. They need all of that, and therefore run
// with -tags window, by `make window-test`, which installs and builds it.
//
// Pictures of what was on the screen are in build/tmp/shots, to be looked at.
package window
