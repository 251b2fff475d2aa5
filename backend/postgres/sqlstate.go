package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// verdict is what an error of PostgreSQL's means for the group that caused it.
type verdict int

const (
	later   verdict = iota // it may pass: the whole request is to be sent again
	never                  // the group's own fault
	unknown                // nobody knows: tried again some times, then given up
)

// judge goes by the class of the SQLSTATE. What has none never reached PostgreSQL or never came back.
func judge(err error) verdict {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 {
		return later
	}
	switch pg.Code {
	case "42P01", "42703", "42883": // a table, column or function is missing: this program is newer than the database
		return later
	}
	switch pg.Code[:2] {
	case "21", "22", "23", "42", "54":
		return never
	case "08", "25", "40", "53", "55", "57", "58":
		return later
	}
	return unknown
}

// explain is the rejection for an error that is the group's own fault. PostgreSQL's text has values in it and stays here.
func explain(err error) *rejection {
	var pg *pgconn.PgError
	errors.As(err, &pg)
	r := &rejection{code: pushapi.BadValue, change: -1, message: "The database does not accept a value (SQLSTATE " + pg.Code + ")."}
	if pg.Code == "42501" {
		r.code, r.message = pushapi.Forbidden, "A row or its project may not be written by this account."
	}
	if pg.ConstraintName != "" {
		r.message = "A value breaks the rule " + pg.ConstraintName + "."
	}
	if pg.TableName != "" {
		r.table = pg.TableName
	}
	return r
}

// isThere reports whether err says that a row of the key is there already.
func isThere(err error) bool { return stateOf(err) == "23505" }

// scrub is the error for a log: PostgreSQL's messages quote values, its states do not.
func scrub(err error) error {
	if state := stateOf(err); state != "" {
		return fmt.Errorf("SQLSTATE %s", state)
	}
	return err
}

func stateOf(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
