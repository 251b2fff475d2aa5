package app

import "strconv"

// Counted is a number as people read it: "128,431".
func Counted(n int64) string {
	s := strconv.FormatInt(n, 10)
	least := 0
	if n < 0 {
		least = 1
	}
	for i := len(s) - 3; i > least; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// CountedRows is "1 row", or "128,431 rows".
func CountedRows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return Counted(n) + " rows"
}

// Held is what a proof that holds says of the two sides: that they "hold the same 128,431 rows", or "are both empty".
func (p Proof) Held() string {
	if p.Rows == 0 {
		return "are both empty"
	}
	return "hold the same " + CountedRows(p.Rows)
}

// Gave is what a test restore that passed gave back: "all 128,431 rows", or "the file, which is empty".
func (d Drill) Gave() string {
	if d.Rows == 0 {
		return "the file, which is empty"
	}
	if d.Rows == 1 {
		return "its one row"
	}
	return "all " + CountedRows(d.Rows)
}
