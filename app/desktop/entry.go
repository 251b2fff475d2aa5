//go:build unix && !darwin

package desktop

import (
	"strings"
)

// autostartEntry is the text of an autostart entry for a command.
func autostartEntry(command []string) string {
	return `[Desktop Entry]
Type=Application
Version=1.1
Name=CODITECT Sync
Comment=Keeps the memory of your AI work safe
Icon=coditect-sync
TryExec=` + escape(command[0]) + `
Exec=` + escape(quoted(command)) + `
Terminal=false
StartupNotify=false
X-GNOME-Autostart-enabled=true
`
}

// quoted is a command as the key Exec has it: arguments in double quotes, and what would otherwise mean something in them
// behind a backslash. A percent sign is doubled, since it begins a field code.
func quoted(command []string) string {
	var args []string
	for _, arg := range command {
		arg = strings.ReplaceAll(arg, "%", "%%")
		if strings.ContainsAny(arg, " \t\n\r\"'\\><~|&;$*?#()`") || arg == "" {
			arg = `"` + quoting.Replace(arg) + `"`
		}
		args = append(args, arg)
	}
	return strings.Join(args, " ")
}

var (
	quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`)
	// The rule for every string of an entry, which is applied after that of Exec and undone before it.
	escaping   = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	unescaping = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r", `\s`, " ")
)

func escape(s string) string { return escaping.Replace(s) }

func unescape(s string) string { return unescaping.Replace(s) }

// entry is the group [Desktop Entry] of a file, key by key, as it is written there.
type entry map[string]string

// parseEntry reads an entry leniently: what is no key of the group is passed over.
func parseEntry(text string) entry {
	e, inside := entry{}, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = line == "[Desktop Entry]"
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if inside && ok && !strings.HasPrefix(line, "#") {
			e[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return e
}

// command is what Exec runs.
func (e entry) command() []string {
	var args []string
	var arg strings.Builder
	var begun, inside, after bool // an argument, quotes, a backslash
	end := func() {
		if begun {
			args = append(args, strings.ReplaceAll(arg.String(), "%%", "%"))
		}
		arg.Reset()
		begun = false
	}
	for _, r := range unescape(e["Exec"]) {
		switch {
		case after:
			arg.WriteRune(r)
			after = false
		case inside && r == '\\':
			after = true
		case r == '"':
			inside, begun = !inside, true
		case !inside && (r == ' ' || r == '\t'):
			end()
		default:
			arg.WriteRune(r)
			begun = true
		}
	}
	end()
	return args
}
