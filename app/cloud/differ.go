package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// differences are the rows of a table that this machine and the cloud do not have alike. Rows that the cloud alone has are
// not among them: they come down.
type differences struct {
	alone  []string // the cloud has no such row, or does not show it to this account
	differ []string
	more   bool // there are more than are named
	// here and there are all rows of this machine, and those of them that the cloud has.
	here, there hashed
}

// hashed is a number of rows and the sum of their hashes.
type hashed struct {
	rows int64
	sum  uint64
}

func (h hashed) table(name string) app.TableHash {
	return app.TableHash{Table: name, Rows: h.rows, Sum: fmt.Sprintf("%016x", h.sum)}
}

// cloudHash reads what the server says of a list; ok is false for what is no hash.
func cloudHash(h pushapi.TableHash) (out hashed, ok bool) {
	sum, err := strconv.ParseUint(h.Sum, 16, 64)
	return hashed{h.Rows, sum}, err == nil && len(h.Sum) == 16
}

// mostNamed bounds what is named, and remembered.
const mostNamed = 100_000

// sentence names some of them. Ids are no content.
func (d differences) sentence(table string) string {
	var parts []string
	add := func(ids []string, one, many string) {
		if len(ids) == 0 {
			return
		}
		named := strings.Join(ids[:min(len(ids), 3)], ", ")
		if len(ids) > 3 {
			named += ", …"
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", counted(len(ids), one, many), named))
	}
	add(d.differ, "row differs", "rows differ")
	add(d.alone, "is on this machine alone", "are on this machine alone")
	if len(parts) == 0 {
		return "The cloud has rows of " + table + " that did not come to this machine."
	}
	return "Of " + table + " " + strings.Join(parts, ", ") + "."
}

// counted is a number with its words, for one or for several.
func counted[N int | int64](n N, one, many string) string {
	if n != 1 {
		one = many
	}
	return fmt.Sprintf("%d %s", n, one)
}

// row is a row of this machine.
type row struct {
	id   string
	hash uint64
}

// differences compares every row of a table, ten thousand at a time, and looks closer where a sum differs.
func (l *link) differences(ctx context.Context, f Comparing, table string, withoutOwner bool) (differences, error) {
	s := &search{link: l, table: table, withoutOwner: withoutOwner}
	chunk := make([]row, 0, pushapi.MaxProofIDs)
	err := f.RowHashes(ctx, table, withoutOwner, func(id string, hash uint64) error {
		if chunk = append(chunk, row{id, hash}); len(chunk) < cap(chunk) {
			return nil
		}
		err := s.chunk(ctx, chunk)
		chunk = chunk[:0]
		return err
	})
	if err == nil && len(chunk) > 0 {
		err = s.chunk(ctx, chunk)
	}
	return s.found, err
}

// search finds the rows.
type search struct {
	link         *link
	table        string
	withoutOwner bool
	found        differences
}

// narrow is into how many lists a list that differs is divided.
const narrow = 100

// chunk compares a list of rows.
func (s *search) chunk(ctx context.Context, list []row) error {
	there, err := s.link.proofOf(ctx, s.table, s.withoutOwner, [][]row{list})
	if err != nil {
		return err
	}
	here := hashOf(list)
	add(&s.found.here, here)
	add(&s.found.there, there[0])
	if here == there[0] {
		return nil
	}
	return s.closer(ctx, list)
}

func add(to *hashed, h hashed) { to.rows, to.sum = to.rows+h.rows, to.sum+h.sum }

// closer asks about the parts of a list that differs.
func (s *search) closer(ctx context.Context, list []row) error {
	if len(s.found.alone)+len(s.found.differ) >= mostNamed {
		s.found.more = true
		return nil
	}
	parts := divide(list)
	there, err := s.link.proofOf(ctx, s.table, s.withoutOwner, parts)
	if err != nil {
		return err
	}
	for i, part := range parts {
		switch {
		case hashOf(part) == there[i]:
		case len(part) == 1:
			s.differs(part[0].id, there[i].rows == 0)
		default:
			if err := s.closer(ctx, part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *search) differs(id string, alone bool) {
	if alone {
		s.found.alone = append(s.found.alone, id)
	} else {
		s.found.differ = append(s.found.differ, id)
	}
}

func divide(list []row) (parts [][]row) {
	size := max((len(list)+narrow-1)/narrow, 1)
	for len(list) > 0 {
		n := min(size, len(list))
		parts, list = append(parts, list[:n]), list[n:]
	}
	return parts
}

func hashOf(list []row) (h hashed) {
	for _, r := range list {
		h.rows, h.sum = h.rows+1, h.sum+r.hash
	}
	return h
}

// proofOf asks the server to count and hash rows, list by list.
func (l *link) proofOf(ctx context.Context, table string, withoutOwner bool, lists [][]row) ([]hashed, error) {
	q := pushapi.ProofQuestion{WithoutOwner: withoutOwner}
	for _, list := range lists {
		ids := make([]string, len(list))
		for i, r := range list {
			ids[i] = r.id
		}
		q.Lists = append(q.Lists, pushapi.ProofList{Table: table, IDs: ids})
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	var said pushapi.ProofAnswer
	err = l.patient(ctx, func(ctx context.Context) error {
		ctx, cancel := l.within(ctx)
		defer cancel()
		answer, err := l.do(ctx, http.MethodPost, l.cfg.Server+"/v1/proof", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		return readJSON(ctx, answer.Body, maxAnswer, &said)
	})
	if err != nil {
		return nil, err
	}
	out := make([]hashed, len(lists))
	for i := range out {
		ok := i < len(said.Lists)
		if ok {
			out[i], ok = cloudHash(said.Lists[i])
		}
		if !ok {
			return nil, &refusal{kind: later, status: http.StatusOK, cause: portal}
		}
	}
	return out, nil
}

// patient tries again what passes, for as long as ctx goes on.
func (l *link) patient(ctx context.Context, fn func(context.Context) error) error {
	r := retry{pace: l.cfg.pace}
	for {
		err := l.signed(ctx, fn)
		var refused *refusal
		if err == nil || !errors.As(err, &refused) || refused.kind == never || refused.kind == person || ctx.Err() != nil {
			return err
		}
		r.failed(l.cfg.Now(), err)
		if !sleep(ctx, r.wait(l.cfg.Now())) {
			return err
		}
	}
}
