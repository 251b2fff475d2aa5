package sqlite

import (
	"context"
	"slices"
	"strings"
)

// ownPrefixes mark tables that are bookkeeping and not somebody's data: SQLite's, Litestream's, ours.
var ownPrefixes = []string{"sqlite_", "_litestream_", "_coditect_"}

func bookkeeping(table string) bool {
	return slices.ContainsFunc(ownPrefixes, func(p string) bool { return strings.HasPrefix(strings.ToLower(table), p) })
}

// dataTablesQuery lists the ordinary tables, bookkeeping included. A virtual table has no root page.
const dataTablesQuery = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"

// dataTables lists the tables that hold data, by name.
func dataTables(ctx context.Context, c *conn) ([]string, error) {
	all, err := texts(ctx, c, dataTablesQuery)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, bookkeeping), nil
}

// texts reads a query of one text column.
func texts(ctx context.Context, c *conn, query string, args ...any) ([]string, error) {
	rows, err := c.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// quoted makes any table or column name safe in SQL.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
