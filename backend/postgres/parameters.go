package postgres

import (
	"encoding/json"

	"github.com/jackc/pgx/v5/pgtype"
)

// parameters are the rows as arrays, one per column, for unnest: id, hlc, cv, and the columns.
func (t *table) parameters(rows []*row) []any {
	n := len(rows)
	out := make([]any, 0, 3+len(t.columns))
	out = append(out,
		array{n, func(i int) any { return rows[i].id }},
		array{n, func(i int) any { return rows[i].hlc }},
		array{n, func(i int) any { return versions(rows[i].cv) }})
	for c := range t.columns {
		out = append(out, array{n, func(i int) any { return rows[i].values[c] }})
	}
	return out
}

// array is a pgtype.ArrayGetter over values where they are; nil is NULL. Slices of pointers, one per column and request, took
// four times as long to make and encode.
type array struct {
	length int
	at     func(i int) any
}

// Dimensions is its length.
func (a array) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(a.length), LowerBound: 1}}
}

// Index is one element.
func (a array) Index(i int) any { return a.at(i) }

// IndexType is a type that columns have.
func (a array) IndexType() any { return "" }

// versions is cv as JSON; nil for none.
func versions(cv map[string]string) any {
	if len(cv) == 0 {
		return nil
	}
	text, err := json.Marshal(cv)
	if err != nil {
		return nil // texts alone cannot fail
	}
	return string(text)
}
