// Package row makes the JSON document that a client stores from the column values that PostgreSQL sends as text, and its
// checksum. It is pure.
//
// The encoding is that of the recorded streams of a PowerSync Service, so that a client may change from one server to
// the other: integers and doubles are numbers (a double always with a fraction or an exponent; NaN, Infinity and
// -Infinity are bare words, although JSON has no such thing), a boolean is 1 or 0, a timestamptz is UTC with six digits,
// everything else is text. bytea, which that service leaves out, is base64.
package row
