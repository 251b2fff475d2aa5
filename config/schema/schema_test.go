package schema

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tables and columns that the cloud has too; tenant_id is added there, and never in the local file.
var wanted = map[string]string{
	Projects:       "id user_id created_at updated_at team_id visibility name path",
	Sessions:       "id user_id created_at updated_at project_id title source started_at ended_at",
	Messages:       "id user_id created_at updated_at project_id session_id hash role content source_type occurred_at",
	Decisions:      "id user_id created_at updated_at project_id decision_type decision rationale confidence tags",
	SkillLearnings: "id user_id created_at updated_at project_id skill_name outcome effectiveness_score errors analyzed_at",
	ErrorSolutions: "id user_id created_at updated_at project_id error_type error_signature solution solution_code success_count",
}

func TestTablesAndColumns(t *testing.T) {
	if len(Tables()) != len(wanted) {
		t.Errorf("%d tables", len(Tables()))
	}
	for _, table := range Tables() {
		var names []string
		for _, c := range table.Columns {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != wanted[table.Name] {
			t.Errorf("%s: got %s, want %s", table.Name, got, wanted[table.Name])
		}
		if len(table.SearchColumns()) == 0 {
			t.Errorf("%s has nothing to search", table.Name)
		}
	}
}

func TestNumbersAreNumbers(t *testing.T) {
	types := map[string]Type{"confidence": Real, "effectiveness_score": Real, "success_count": Integer}
	for _, table := range Tables() {
		for _, c := range table.Columns {
			want, number := types[c.Name]
			if !number {
				want = Text
			}
			if c.Type != want {
				t.Errorf("%s.%s is %s, want %s", table.Name, c.Name, c.Type, want)
			}
		}
	}
}

func TestTablesCanBeChangedByTheCaller(t *testing.T) {
	Tables()[0].Columns[0].Name = "other"
	if Tables()[0].Columns[0].Name != ID {
		t.Error("the description changed")
	}
}

// shells are SQLites that other people built.
var shells = map[string]func(sql string) *exec.Cmd{
	"sqlite3 shell": func(sql string) *exec.Cmd {
		cmd := exec.Command("sqlite3", "-batch", "-bail", ":memory:")
		cmd.Stdin = strings.NewReader(sql)
		return cmd
	},
	"python": func(sql string) *exec.Cmd {
		cmd := exec.Command("python3", "-c", `import sqlite3, sys
c = sqlite3.connect(":memory:", isolation_level=None)
for statement in sys.stdin.read().split(";"):
    for row in c.execute(statement):
        print("|".join("" if v is None else str(v) for v in row))`)
		cmd.Stdin = strings.NewReader(sql)
		return cmd
	},
}

// run applies the DDL and then the statements, and returns the lines they print.
func run(t *testing.T, shell func(string) *exec.Cmd, statements ...string) ([]string, error) {
	t.Helper()
	var all []string
	for _, table := range Tables() {
		all = append(all, table.DDL())
	}
	out, err := shell(strings.Join(append(all, statements...), ";\n") + ";\n").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return strings.Fields(string(out)), nil
}

func onShells(t *testing.T, test func(t *testing.T, run func(...string) ([]string, error))) {
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			test(t, func(statements ...string) ([]string, error) { return run(t, shell, statements...) })
		})
	}
}

var uuidv7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestDefaultsAreIdsAndTimes(t *testing.T) {
	onShells(t, func(t *testing.T, run func(...string) ([]string, error)) {
		before := time.Now().UnixMilli()
		rows, err := run(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 200)
			INSERT INTO messages (content) SELECT i FROM k`,
			"SELECT id || ' ' || created_at || ' ' || updated_at FROM messages")
		if err != nil {
			t.Fatal(err)
		}
		after := time.Now().UnixMilli()
		ids := map[string]bool{}
		for i := 0; i < len(rows); i += 3 {
			wantID(t, rows[i], before, after)
			ids[rows[i]] = true
			for _, text := range rows[i+1 : i+3] {
				at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
				if err != nil || at.UnixMilli() < before-1 || at.UnixMilli() > after+1 {
					t.Errorf("time %s: %v", text, err)
				}
			}
		}
		if len(ids) != 200 {
			t.Errorf("%d different ids", len(ids))
		}
	})
}

// wantID fails unless id is a UUIDv7 of a moment between before and after, in milliseconds.
func wantID(t *testing.T, id string, before, after int64) {
	t.Helper()
	if !uuidv7.MatchString(id) {
		t.Fatalf("%s is no UUIDv7", id)
	}
	var ms int64
	if _, err := fmt.Sscanf(id[:8]+id[9:13], "%x", &ms); err != nil || ms < before-1 || ms > after+1 {
		t.Errorf("%s was made at %d, not between %d and %d (%v)", id, ms, before, after, err)
	}
}

func TestIdsAreInTheOrderOfTime(t *testing.T) {
	var ids []string
	shell := shells["sqlite3 shell"]
	for range 5 { // each a process of its own, so some milliseconds apart
		rows, err := run(t, shell, "INSERT INTO projects (name) VALUES ('a') RETURNING id")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, rows...)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("got %v", ids)
	}
}

func TestTheFirstMillisecondsOfAnID(t *testing.T) {
	ms := strings.ReplaceAll(millis, "'now'", "'2026-11-20 14:02:05.123'")
	out, err := shells["sqlite3 shell"]("SELECT " + ms + ";").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 11, 20, 14, 2, 5, 123e6, time.UTC).UnixMilli()
	if got := strings.TrimSpace(string(out)); got != fmt.Sprint(want) {
		t.Errorf("got %s, want %d", got, want)
	}
}

func TestRowsAreKeptStrict(t *testing.T) {
	onShells(t, func(t *testing.T, run func(...string) ([]string, error)) {
		for _, bad := range []string{
			"INSERT INTO decisions (confidence) VALUES ('high')",
			"INSERT INTO error_solutions (success_count) VALUES (1.5)",
			"INSERT INTO messages (content) VALUES (x'00ff')",
			"INSERT INTO projects (visibility) VALUES ('everybody')",
			"INSERT INTO messages (id) VALUES (NULL)",
			"INSERT INTO messages (id) VALUES ('a'), ('a')",
		} {
			if _, err := run(bad); err == nil {
				t.Errorf("%s was accepted", bad)
			}
		}
		if _, err := run("INSERT INTO projects (id, visibility) VALUES ('own-id', 'team')", "INSERT INTO messages (content, hash) VALUES (NULL, NULL)"); err != nil {
			t.Error(err)
		}
	})
}
