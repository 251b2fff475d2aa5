package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// filing is the filing of a table's rows that were not captured when they came: rows that were there before Enrol, or
// what changed while the triggers were gone. It goes through the table in the order of ids.
//
// Such a row's clock is a guess: when it says it was updated, but not before floor, the moment up to which everything is
// known to have been captured. So a value that may have been changed meanwhile is older than what others are known to
// have written since, and newer than what they wrote before. The cloud changes nothing for a row that it has just so.
type filing struct {
	table string
	Floor int64   `json:"floor"`           // a clock
	After *string `json:"after,omitempty"` // the last id that is filed; nil: none
}

func (c *conn) setFiling(ctx context.Context, job filing) error {
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return c.setState(ctx, keyFile+job.table, string(text))
}

// filings are the ones under way, in the order of the tables: what is referred to goes up first.
func (c *conn) filings(ctx context.Context) (jobs []filing, err error) {
	for _, t := range schema.Tables() {
		text, err := c.state(ctx, keyFile+t.Name)
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue
		}
		job := filing{table: t.Name}
		if err := json.Unmarshal([]byte(text), &job); err != nil {
			job = filing{table: t.Name} // from the beginning: filing a row twice does no harm
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// fileAll does what is to be filed, in slices, each followed by a pause as long.
func (f *File) fileAll(ctx context.Context, progress func(done, total int64)) error {
	for {
		started := time.Now()
		var done, total int64
		more := false
		err := f.writing(ctx, "enrol", func(c *conn) (err error) {
			if more, err = f.fileSlice(ctx, c, started.Add(sliceTime)); err != nil {
				return err
			}
			done, err = c.number(ctx, keyFiled)
			if err == nil {
				total, err = c.number(ctx, keyTotal)
			}
			return err
		})
		if err != nil {
			return err
		}
		if progress != nil {
			progress(done, max(done, total))
		}
		if !more {
			return nil
		}
		if err := pause(ctx, time.Since(started)); err != nil {
			return classify("enrol", f.path, err)
		}
	}
}

// fileSlice files rows until deadline, and tells whether there are more.
func (f *File) fileSlice(ctx context.Context, c *conn, deadline time.Time) (more bool, err error) {
	jobs, err := c.filings(ctx)
	if err != nil {
		return false, err
	}
	for i := range jobs {
		done, err := f.fileSome(ctx, c, &jobs[i], deadline)
		if err != nil {
			return false, err
		}
		if !done {
			return true, c.setFiling(ctx, jobs[i])
		}
		if err := c.endFiling(ctx, jobs[i].table); err != nil {
			return false, err
		}
	}
	return false, nil
}

// fileStep is how many rows one statement files: rows may be large.
const fileStep = 100

func (f *File) fileSome(ctx context.Context, c *conn, job *filing, deadline time.Time) (done bool, err error) {
	t, ours := searched(job.table)
	if !ours {
		return true, nil
	}
	if err := c.noteClock(ctx); err != nil {
		return false, err
	}
	for first := true; first || time.Now().Before(deadline); first = false {
		f.step("file")
		last, n, err := c.fileRows(ctx, t, job)
		if err != nil {
			return false, err
		}
		if n == 0 {
			return true, nil
		}
		job.After = &last
		if err := c.exec(ctx, "UPDATE "+upState+" SET value = value + ? WHERE key = ?", n, keyFiled); err != nil {
			return false, err
		}
	}
	return false, nil
}

// fileRows files the next rows and returns the last one's id and how many there were. An id that is no text cannot be told
// to the cloud.
func (c *conn) fileRows(ctx context.Context, t schema.Table, job *filing) (last string, n int64, err error) {
	from, args := "typeof(t.id) = 'text'", []any{}
	if job.After != nil {
		from, args = from+" AND t.id > ?", []any{*job.After}
	}
	err = c.one(ctx, fmt.Sprintf("SELECT ifnull(max(id), ''), count(*) FROM (SELECT t.id FROM %s AS t WHERE %s ORDER BY t.id LIMIT %d)", t.Name, from, fileStep),
		args, &last, &n)
	if err != nil || n == 0 {
		return "", 0, err
	}
	return last, n, c.exec(ctx, fileSQL(t, from), append([]any{opEnrol, job.Floor}, append(args, last)...)...)
}

// fileSQL files the rows of a range of ids.
func fileSQL(t schema.Table, from string) string {
	var names, values []string
	for i, column := range t.Columns[1:] {
		names, values = append(names, fmt.Sprintf("v%d", i+1)), append(values, "t."+column.Name)
	}
	const now = "CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)"
	updated := "ifnull(CAST((julianday(t.updated_at) - 2440587.5) * 86400000.0 + 0.5 AS INTEGER), 0)"
	return fmt.Sprintf("INSERT INTO %s (tbl, op, id, clock, %s) SELECT '%s', ?, t.id, max(1, ?, min(%s, %s) << 16), %s FROM %s AS t WHERE %s AND t.id <= ? ORDER BY t.id",
		upQueue, strings.Join(names, ", "), t.Name, updated, now, strings.Join(values, ", "), t.Name, from)
}

// endFiling forgets a filing that is done, and lets updates file what they change only.
func (c *conn) endFiling(ctx context.Context, table string) error {
	if err := c.dropState(ctx, keyFile+table); err != nil {
		return err
	}
	t, _ := searched(table)
	ct, err := c.capturable(ctx, t)
	if app.CodeOf(err) == app.CodeRefused {
		return nil // its triggers are as they were; the status names the table
	}
	return errors.Join(err, c.install(ctx, ct))
}
