package desktop

import (
	"encoding/xml"
	"strings"
)

// label names the LaunchAgent of macOS and its file.
const label = "ai.coditect.sync"

// launchAgent is the text of a LaunchAgent for a command, which needs a screen.
func launchAgent(command []string) string {
	var args strings.Builder
	for _, arg := range command {
		args.WriteString("\t\t<string>")
		_ = xml.EscapeText(&args, []byte(arg)) // a Builder takes everything
		args.WriteString("</string>\n")
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + label + `</string>
	<key>ProgramArguments</key>
	<array>
` + args.String() + `	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>ProcessType</key>
	<string>Interactive</string>
	<key>LimitLoadToSessionType</key>
	<string>Aqua</string>
</dict>
</plist>
`
}

// arguments are the ProgramArguments of a LaunchAgent, nil where it has none.
func arguments(plist string) []string {
	var agent struct {
		Dict struct {
			Items []struct {
				XMLName xml.Name
				Text    string   `xml:",chardata"`
				Strings []string `xml:"string"`
			} `xml:",any"`
		} `xml:"dict"`
	}
	if xml.Unmarshal([]byte(plist), &agent) != nil {
		return nil
	}
	items := agent.Dict.Items
	for i, item := range items {
		if item.XMLName.Local == "key" && item.Text == "ProgramArguments" && i+1 < len(items) {
			return items[i+1].Strings
		}
	}
	return nil
}
