package powersync

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// errSyntax says that a text is not JSON, or not of the shape that is expected where it stopped. It repeats nothing of the
// text, which may be somebody's row.
var errSyntax = errors.New("the text does not have the shape of a sync line")

// maxDepth is how deep arrays and objects may lie in each other.
const maxDepth = 10_000

// scanner reads JSON from memory that it may change: strings are unescaped in place, so that nothing is allocated. The
// first error stays, and everything after it reads as nothing.
type scanner struct {
	src []byte
	at  int
	err error
	// bare takes NaN, Infinity and -Infinity for numbers.
	bare bool
}

func (s *scanner) fail() { s.err = errSyntax }

// space returns the next byte that is none, 0 at the end.
func (s *scanner) space() byte {
	for s.at < len(s.src) {
		switch c := s.src[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// enter goes into an object or array, and tells whether there is something in it. If not it is left again.
func (s *scanner) enter(open, shut byte) bool {
	if s.err != nil || s.space() != open {
		s.fail()
		return false
	}
	s.at++
	if s.space() != shut {
		return true
	}
	s.at++
	return false
}

// next goes on after an element, and tells whether there is another one. If not the object or array is left.
func (s *scanner) next(shut byte) bool {
	if s.err != nil {
		return false
	}
	switch s.space() {
	case ',':
		s.at++
		return true
	case shut:
		s.at++
	default:
		s.fail()
	}
	return false
}

// key reads a member's name and goes to its value.
func (s *scanner) key() []byte {
	name := s.text()
	if s.err == nil && s.space() != ':' {
		s.fail()
	}
	s.at++
	return name
}

// text reads a string. The result lies in the source.
func (s *scanner) text() []byte {
	if s.err != nil || s.space() != '"' {
		s.fail()
		return nil
	}
	s.at++
	start := s.at
	for ; s.at < len(s.src); s.at++ {
		switch c := s.src[s.at]; {
		case c == '"':
			s.at++
			return s.src[start : s.at-1]
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			return s.rest(start)
		}
	}
	s.fail()
	return nil
}

// rest reads on in a string from where something stands that is not plain.
func (s *scanner) rest(start int) []byte {
	out := s.at
	for s.at < len(s.src) {
		c := s.src[s.at]
		switch {
		case c == '"':
			s.at++
			return s.src[start:out]
		case c == '\\':
			if out = s.escape(out); s.err != nil {
				return nil
			}
		case c < ' ':
			s.fail()
			return nil
		case c < utf8.RuneSelf:
			s.src[out] = c
			out++
			s.at++
		default:
			if out = s.rune(out); s.err != nil {
				return nil
			}
		}
	}
	s.fail()
	return nil
}

// rune moves one character of several bytes to out. What is not UTF-8 is refused: to replace it in place there is no room.
func (s *scanner) rune(out int) int {
	r, n := utf8.DecodeRune(s.src[s.at:])
	if r == utf8.RuneError && n == 1 {
		s.fail()
		return out
	}
	copy(s.src[out:], s.src[s.at:s.at+n])
	s.at += n
	return out + n
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads one escape and writes what it stands for to out, which is never longer.
func (s *scanner) escape(out int) int {
	if s.at+1 >= len(s.src) {
		s.fail()
		return out
	}
	c := s.src[s.at+1]
	if c == 'u' {
		return s.unicode(out)
	}
	plain := escapes[c]
	if plain == 0 {
		s.fail()
		return out
	}
	s.src[out] = plain
	s.at += 2
	return out + 1
}

// unicode reads \u and four digits, or two of them that are one character. Half of such a pair reads as U+FFFD.
func (s *scanner) unicode(out int) int {
	r := s.hex(s.at)
	if r < 0 {
		s.fail()
		return out
	}
	s.at += 6
	if utf16.IsSurrogate(r) {
		pair := utf16.DecodeRune(r, s.hex(s.at))
		if r = pair; pair != utf8.RuneError {
			s.at += 6
		}
	}
	return out + utf8.EncodeRune(s.src[out:out+6], r)
}

// hex is the number in \u and four digits at i, -1 if there is none.
func (s *scanner) hex(i int) rune {
	if i+6 > len(s.src) || s.src[i] != '\\' || s.src[i+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range s.src[i+2 : i+6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return -1
		}
	}
	return r
}

// literal reads a word.
func (s *scanner) literal(word string) {
	if s.err != nil || len(s.src)-s.at < len(word) || string(s.src[s.at:s.at+len(word)]) != word {
		s.fail()
		return
	}
	s.at += len(word)
}

// number reads a number and returns its text.
func (s *scanner) number() []byte {
	s.space()
	if s.err != nil {
		return nil
	}
	start := s.at
	s.accept('-')
	if s.bare && s.at < len(s.src) && (s.src[s.at] == 'I' || s.src[s.at] == 'N' && s.at == start) {
		return s.notFinite(start)
	}
	if !s.accept('0') {
		s.digits()
	}
	if s.accept('.') {
		s.digits()
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('-') {
			s.accept('+')
		}
		s.digits()
	}
	if s.err != nil {
		return nil
	}
	return s.src[start:s.at]
}

func (s *scanner) notFinite(start int) []byte {
	word := "Infinity"
	if s.src[s.at] == 'N' {
		word = "NaN"
	}
	if s.literal(word); s.err != nil {
		return nil
	}
	return s.src[start:s.at]
}

func (s *scanner) accept(c byte) bool {
	if s.at < len(s.src) && s.src[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) digits() {
	start := s.at
	for s.at < len(s.src) && '0' <= s.src[s.at] && s.src[s.at] <= '9' {
		s.at++
	}
	if s.at == start {
		s.fail()
	}
}

// skip reads any value and forgets it.
func (s *scanner) skip(depth int) {
	if depth > maxDepth {
		s.fail()
		return
	}
	switch s.space() {
	case '{':
		for more := s.enter('{', '}'); more; more = s.next('}') {
			s.key()
			s.skip(depth + 1)
		}
	case '[':
		for more := s.enter('[', ']'); more; more = s.next(']') {
			s.skip(depth + 1)
		}
	case '"':
		s.text()
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
}

// null reads a null if there is one.
func (s *scanner) null() bool {
	if s.err != nil || s.space() != 'n' {
		return false
	}
	s.literal("null")
	return s.err == nil
}

// boolean reads true or false.
func (s *scanner) boolean() bool {
	if s.space() == 't' {
		s.literal("true")
		return s.err == nil
	}
	s.literal("false")
	return false
}

// integer reads a number without a fraction.
func (s *scanner) integer() int64 { return s.int64(s.number()) }

// id reads a number that is written as a string. Empty or missing is no number.
func (s *scanner) id() int64 {
	if s.space() != '"' {
		return s.integer()
	}
	return s.int64(s.text())
}

func (s *scanner) int64(digits []byte) int64 {
	if s.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		s.fail()
		return 0
	}
	return n
}

// end says that there must be nothing more.
func (s *scanner) end() error {
	if s.err == nil && s.at < len(s.src) {
		s.space()
		if s.at < len(s.src) {
			s.fail()
		}
	}
	return s.err
}
