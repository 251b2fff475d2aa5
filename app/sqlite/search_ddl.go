package sqlite

import (
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// The tables of the full-text search. notes has no constraint that a writer's statement could hit; docs gives each row
// the number by which the index knows it, because a rowid of the row itself may change.
const (
	searchNotes = "_coditect_search_notes"
	searchDocs  = "_coditect_search_docs"
	searchIndex = "_coditect_search"
)

var searchIndexDDL = []string{
	"DROP TABLE IF EXISTS " + searchIndex,
	"DROP TABLE IF EXISTS " + searchDocs,
	"CREATE TABLE " + searchDocs + " (doc INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (kind, id)) STRICT",
	"CREATE VIRTUAL TABLE " + searchIndex +
		" USING fts5(kind UNINDEXED, id UNINDEXED, body, tokenize = \"unicode61 remove_diacritics 2\")",
}

// searchNotesDDL is what a writer's statements meet: plain SQL that every SQLite from 3.38 on can run.
func searchNotesDDL() []string {
	ddl := []string{notesDDL}
	for _, t := range schema.Tables() {
		for _, trigger := range triggers(t) {
			ddl = append(ddl, trigger.ddl)
		}
	}
	return ddl
}

const notesDDL = "CREATE TABLE " + searchNotes + " (kind, id)"

type trigger struct{ name, ddl string }

// triggers note the id of every row whose searched columns change. INSERT OR REPLACE fires no delete trigger, but the
// id it replaces is the id it inserts.
func triggers(t schema.Table) []trigger {
	columns := append([]string{schema.ID}, t.SearchColumns()...)
	changed := make([]string, len(columns))
	for i, c := range columns {
		changed[i] = fmt.Sprintf("old.%s IS NOT new.%s", c, c)
	}
	list := []trigger{
		noting(t.Name, "insert", "AFTER INSERT ON "+t.Name, "new"),
		noting(t.Name, "delete", "AFTER DELETE ON "+t.Name, "old"),
		noting(t.Name, "update", "AFTER UPDATE OF "+strings.Join(columns, ", ")+" ON "+t.Name+
			" WHEN "+strings.Join(changed, " OR "), "old", "new"),
	}
	if t.Name == schema.Messages {
		list = append(list, noting(t.Name, "hash", "AFTER UPDATE OF hash ON messages WHEN new.hash IS NULL", "new"))
	}
	return list
}

func noting(table, event, when string, rows ...string) trigger {
	name := "_coditect_search_" + table + "_" + event
	ddl := "CREATE TRIGGER " + name + " " + when + " BEGIN\n"
	for _, row := range rows {
		ddl += fmt.Sprintf("  INSERT INTO %s VALUES ('%s', %s.id);\n", searchNotes, table, row)
	}
	return trigger{name, ddl + "END"}
}
