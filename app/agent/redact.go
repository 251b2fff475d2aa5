package agent

import (
	"bytes"
	"encoding/json"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
)

// secret is a pattern of what must never leave the machine, and what stands in its place.
type secret struct {
	pattern *regexp.Regexp
	instead string
}

// secrets are the shapes of credentials. The program writes none of them anywhere; this is for what a library or a
// system might say in an error.
var secrets = []secret{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)`), "[private key]"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "$1 [secret]"},
	{regexp.MustCompile(`\bGOCSPX-[A-Za-z0-9_-]+`), "[secret]"},
	{regexp.MustCompile(`\b1//[A-Za-z0-9._-]{8,}`), "[secret]"},
	{regexp.MustCompile(`\bya29\.[A-Za-z0-9._-]+`), "[secret]"},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*`), "[secret]"},
	{regexp.MustCompile(`(?i)\bAGE-SECRET-KEY-[0-9A-Z-]+`), "[secret]"},
	{regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`), "[secret]"},
	{regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{30,}`), "[secret]"},
	{regexp.MustCompile(`(?i)(\\?"[a-z0-9_-]*(?:token|secret|password|passwd|private_key|api_key|authorization)[a-z0-9_-]*\\?"\s*:\s*\\?")(?:[^"\\]|\\[^"])*`), "$1[secret]"},
	{regexp.MustCompile(`(?i)\b([a-z0-9_-]*(?:token|secret|password|passwd|api_key|signature|x-goog-credential)[a-z0-9_-]*=)[^\s&"'\\]+`), "$1[secret]"},
	{regexp.MustCompile(`([a-z][a-z0-9+.-]*://)[^/\s"'\\@]+@`), "$1[secret]@"},
	{regexp.MustCompile(`\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b`), "[address]"},
}

// redactor takes out of text what is secret or names a person.
type redactor struct{ names []secret }

// newRedactor also hides the host's name, where the copies are, the home directory and the user's name.
func newRedactor(host, target string) redactor {
	var r redactor
	for _, part := range places(target) { // before the home directory, which may be a part of it
		r.hide(part, "[storage]")
	}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		r.hide(filepath.Clean(home), "~")
	}
	if u, err := user.Current(); err == nil && u.Username != "root" {
		r.hide(u.Username, "[user]")
	}
	r.hide(host, "[host]")
	return r
}

// hide replaces a name where it stands alone, in plain text and as JSON writes it.
func (r *redactor) hide(name, instead string) {
	if len(name) < 3 {
		return
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return
	}
	for _, form := range []string{name, strings.Trim(string(quoted), `"`)} {
		r.names = append(r.names, secret{regexp.MustCompile(`(^|[^A-Za-z0-9])` + regexp.QuoteMeta(form) + `($|[^A-Za-z0-9])`), "${1}" + instead + "${2}"})
	}
}

func (r redactor) redact(text []byte) []byte {
	text = bytes.ToValidUTF8(text, []byte("?"))
	for _, s := range append(secrets[:len(secrets):len(secrets)], r.names...) {
		text = s.pattern.ReplaceAll(text, []byte(s.instead))
	}
	return text
}
