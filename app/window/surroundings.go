package window

import "strings"

// fixLocale returns the variables to set before a web view starts. In the C locale WebKitGTK tells the page that its
// language is "C", which is none: a page that formats a number with it ends there, blank. The locale that is named need
// not be installed.
func fixLocale(getenv func(string) string) map[string]string {
	const usable = "en_US.UTF-8"
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		if base, _, _ := strings.Cut(value, "."); base != "C" && base != "POSIX" {
			return nil
		}
		return map[string]string{name: usable, "LANG": usable}
	}
	return map[string]string{"LANG": usable}
}

// surroundings returns the variables to set before WebKitGTK starts. Its faster way to the screen stays blank with some
// graphics drivers, and a page like this one does not need it. dark is for desktops that say so without changing the
// theme; a theme that was chosen wins.
func surroundings(getenv func(string) string, dark bool) map[string]string {
	const dmabuf = "WEBKIT_DISABLE_DMABUF_RENDERER"
	set := map[string]string{}
	for name, value := range fixLocale(getenv) {
		set[name] = value
	}
	if getenv(dmabuf) == "" {
		set[dmabuf] = "1"
	}
	if dark && getenv("GTK_THEME") == "" {
		set["GTK_THEME"] = "Adwaita:dark"
	}
	return set
}
