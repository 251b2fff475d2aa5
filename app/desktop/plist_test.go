package desktop

import (
	"slices"
	"strings"
	"testing"
)

// homes are folders whose names mean something to every format that they are written in.
var homes = []string{
	"/home/mira/.coditect", "/home/mira/my memory", `/home/mira/50% "off" $HOME`, "/home/mira/a\\b`c`;d&e|f<g>h(i)j#k~l*m?n'o",
	"/home/mira/ünïcödé", "/home/mira/a\tb", "/home/mira/%f %% %", `/home/mira/\\`, "/home/mira/</string>&amp;",
}

func TestLaunchAgent(t *testing.T) {
	for _, home := range homes {
		a := NewAutostart("/Applications/CODITECT Sync.app/Contents/MacOS/coditect-sync", home)
		text := launchAgent(a.command)
		if got := arguments(text); !slices.Equal(got, a.command) {
			t.Errorf("%q became %q", a.command, got)
		}
		if !strings.Contains(text, "<key>RunAtLoad</key>\n\t<true/>") {
			t.Error("it does not start at login")
		}
		if a.starts(arguments(launchAgent(NewAutostart("/x", home+"2").command))) {
			t.Errorf("the agent of another home counts as that of %q", home)
		}
	}
	for _, text := range []string{"", "<plist>", "<plist><dict><key>ProgramArguments</key></dict></plist>"} {
		if got := arguments(text); got != nil {
			t.Errorf("%q has arguments %q", text, got)
		}
	}
}
