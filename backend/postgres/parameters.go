package postgres

import (
	"encoding/json"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// parameters are the rows as arrays, one per column, for unnest: id, hlc, cv, and the columns.
func (t *table) parameters(rows []*row) []any {
	ids, clocks, cvs := make([]string, len(rows)), make([]string, len(rows)), make([]*string, len(rows))
	for i, r := range rows {
		ids[i], clocks[i], cvs[i] = r.id, r.hlc, versions(r.cv)
	}
	out := []any{ids, clocks, cvs}
	for i, c := range t.columns {
		switch c.kind {
		case schema.Integer:
			out = append(out, array[int64](rows, i))
		case schema.Real:
			out = append(out, array[float64](rows, i))
		default:
			out = append(out, array[string](rows, i))
		}
	}
	return out
}

// array is one column; nil is NULL.
func array[T any](rows []*row, column int) []*T {
	out := make([]*T, len(rows))
	for i, r := range rows {
		if v, ok := r.values[column].(T); ok {
			out[i] = &v
		}
	}
	return out
}

func versions(cv map[string]string) *string {
	if len(cv) == 0 {
		return nil
	}
	text, err := json.Marshal(cv)
	if err != nil {
		return nil // texts alone cannot fail
	}
	s := string(text)
	return &s
}
