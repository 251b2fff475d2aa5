package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nbsp keeps a number and its unit on one line. It is written as a plain space, so that what is copied can be searched.
const nbsp = "\u00a0"

// hostile tells whether a rune does something to a terminal or to the order of text instead of being seen.
func hostile(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// clean shows hostile characters and broken UTF-8 as escapes.
func clean(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, hostile) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case hostile(r):
			b.WriteString(escape(r))
		default:
			b.WriteRune(r)
		}
		text = text[n:]
	}
	return b.String()
}

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// cleanJSON escapes hostile characters in JSON text. They stand in strings only, where \u means the same; the line
// ends and indents of the JSON itself stay.
func cleanJSON(text []byte) []byte {
	seen := func(r rune) bool { return r != '\n' && hostile(r) }
	if !strings.ContainsFunc(string(text), seen) {
		return text
	}
	var b []byte
	for _, r := range string(text) {
		switch {
		case !seen(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			hi, lo := utf16Pair(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, hi, lo)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

func utf16Pair(r rune) (hi, lo rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}
