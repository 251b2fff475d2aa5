package postgres

import (
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// table is a synced table and the statements that read and write it, generated from its description. Every name in them
// comes from config/schema; a name from a request is only ever looked up.
type table struct {
	name    string
	columns []column // those a client may write: all but id and user_id
	index   map[string]int
	project int // of project_id; -1 in projects

	insertNew, insert, lock, update, remove, current, visible, buried string
	proof, proofList, proofListWithoutOwner                           string
}

type column struct {
	name      string
	kind      schema.Type
	notNull   bool
	immutable bool
}

// sqlType is also the type of the column's array parameter.
func (c column) sqlType() string {
	return map[schema.Type]string{schema.Text: "text", schema.Integer: "bigint", schema.Real: "float8"}[c.kind]
}

const userID = "user_id"

func describe() (map[string]*table, []*table) {
	byName, order := map[string]*table{}, []*table{}
	for _, described := range schema.Tables() {
		t := &table{name: described.Name, index: map[string]int{}, project: -1,
			proof: proofOf(described), proofList: proofListOf(described, false), proofListWithoutOwner: proofListOf(described, true)}
		for _, c := range described.Columns {
			if c.Name != schema.ID && c.Name != userID {
				t.add(c)
			}
		}
		t.write()
		byName[t.name] = t
		order = append(order, t)
	}
	return byName, order
}

func (t *table) add(c schema.Column) {
	if c.Name == "project_id" {
		t.project = len(t.columns)
	}
	t.index[c.Name] = len(t.columns)
	t.columns = append(t.columns, column{name: c.Name, kind: c.Type, notNull: c.NotNull,
		immutable: t.name == schema.Messages && (c.Name == schema.Content || c.Name == schema.Hash)})
}

// join makes a list of a text per column, in which %s is its name.
func (t *table) join(format string) string {
	texts := make([]string, len(t.columns))
	for i, c := range t.columns {
		texts[i] = strings.ReplaceAll(format, "%s", c.name)
	}
	return strings.Join(texts, ", ")
}

// arrays are the parameters from $first on, one array per column, and their names in the list that unnest makes.
func (t *table) arrays(first int) string {
	params := make([]string, len(t.columns))
	for i, c := range t.columns {
		params[i] = fmt.Sprintf("$%d::%s[]", first+i, c.sqlType())
	}
	return strings.Join(params, ", ")
}

func (t *table) write() {
	name := "app." + t.name
	values := make([]string, len(t.columns))
	for i, c := range t.columns {
		values[i] = "u." + c.name
		if c.notNull { // created_at and updated_at
			values[i] = "coalesce(u." + c.name + ", app.now_text())"
		}
	}
	list := t.join("%s")
	t.insertNew = fmt.Sprintf(`INSERT INTO %s (tenant_id, id, user_id, hlc, cv, %s)
		SELECT $1, u.id, $2, u.hlc, u.cv, %s FROM unnest($3::text[], $4::text[], $5::jsonb[], %s) AS u(id, hlc, cv, %s)
		WHERE NOT EXISTS (SELECT FROM app.tombstones x
			WHERE x.tenant_id = $1 AND x.table_name = '%s' AND x.row_id = u.id AND x.hlc > u.hlc)`, name, list, strings.Join(values, ", "), t.arrays(6), list, t.name)
	t.insert = t.insertNew + " ON CONFLICT (tenant_id, id) DO NOTHING"
	t.lock = fmt.Sprintf(`SELECT id, user_id, hlc, coalesce(cv::text, ''), %s FROM %s
		WHERE tenant_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE`, list, name)
	t.update = fmt.Sprintf(`UPDATE %s t SET hlc = u.hlc, cv = u.cv, %s
		FROM unnest($2::text[], $3::text[], $4::jsonb[], %s) AS u(id, hlc, cv, %s)
		WHERE t.tenant_id = $1 AND t.id = u.id`, name, t.join("%s = u.%s"), t.arrays(5), list)
	project := "NULL"
	if t.project >= 0 {
		project = "project_id"
	}
	t.remove = fmt.Sprintf(`WITH gone AS (DELETE FROM %s t USING unnest($2::text[], $3::text[]) AS u(id, hlc)
			WHERE t.tenant_id = $1 AND t.id = u.id RETURNING t.id, t.user_id, %s AS project_id, u.hlc)
		INSERT INTO app.tombstones AS x (tenant_id, table_name, row_id, user_id, project_id, hlc)
		SELECT $1, '%s', id, user_id, project_id, hlc FROM gone
		ON CONFLICT (tenant_id, table_name, row_id) DO UPDATE
		SET hlc = excluded.hlc, user_id = excluded.user_id, project_id = excluded.project_id, deleted_at = now()`, name, project, t.name)
	t.current = fmt.Sprintf(`SELECT id, to_json(r)::text FROM (SELECT id, user_id, %s FROM %s
		WHERE tenant_id = $1 AND id = ANY ($2)) r`, list, name)
	t.visible = fmt.Sprintf("SELECT id FROM %s WHERE tenant_id = $1 AND id = ANY ($2)", name)
	t.buried = fmt.Sprintf(`SELECT row_id, hlc, user_id, project_id FROM app.tombstones
		WHERE tenant_id = $1 AND table_name = '%s' AND row_id = ANY ($2)`, t.name)
}
