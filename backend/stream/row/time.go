package row

import (
	"strings"
	"time"
)

// appendTime takes the text of a timestamptz in the ISO style of a session in UTC. Moments that a client's text cannot
// hold are recorded as the Service sends them: infinity is the end of the year 9999, -infinity the year 0, the rest null.
func appendTime(dst []byte, text string) []byte {
	switch {
	case text == "infinity":
		return append(dst, `"9999-12-31T23:59:59.000000Z"`...)
	case text == "-infinity":
		return append(dst, `"0000-01-01T00:00:00.000000Z"`...)
	case strings.HasSuffix(text, " BC"):
		return append(dst, "null"...)
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999-07", text)
	if err != nil { // a year of five digits
		return append(dst, "null"...)
	}
	return at.UTC().AppendFormat(dst, `"2006-01-02T15:04:05.000000Z"`)
}
