package cli

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// tellCloud says who is signed in, what waits, and how it was proved.
func (p *program) tellCloud(c app.CloudStatus, healthy bool, now time.Time) {
	p.out.field("Account", plain.of("%s at %s", cmp.Or(c.User, "signed out"), c.Server))
	if !c.SignedIn {
		p.out.field("", waits.of("signed out: `coditect-sync login` signs in again"))
	}
	if !c.LastSyncedAt.IsZero() {
		p.out.field("Synced", plain.of("%s", age(c.LastSyncedAt, now)))
	}
	p.out.field("Proof", proofSpan(c.LastProof, healthy, now))
	if !c.NextProofAt.IsZero() {
		p.out.field("Next one", plain.of("%s", nextDrill(c.NextProofAt, now)))
	}
	p.out.field("Waiting", uploadsSpan(c, now))
	if c.Rejected > 0 {
		p.out.field("Lost & found", waits.of("%s, holding nothing up: `coditect-sync lost list`", count(c.Rejected, "item")))
	}
	for _, step := range c.Steps {
		mark := glyphOff
		if step.Done {
			mark = glyphStep
		}
		p.out.field("", plain.of("%s %s", mark, step.Text))
	}
}

// proofSpan is green only where the proof still stands.
func proofSpan(proof *app.Proof, healthy bool, now time.Time) span {
	style := plain
	if healthy {
		style = proved
	}
	switch {
	case proof == nil:
		return plain.of("none yet")
	case !proof.Equal:
		return wrong.of("did not hold %s: %s", age(proof.At, now), proof.Problem)
	}
	if proof.Rows == 0 {
		return style.of("proved %s, empty here and in the cloud", age(proof.At, now))
	}
	return style.of("proved %s, the same %s here and in the cloud", age(proof.At, now), count(proof.Rows, "row"))
}

func uploadsSpan(c app.CloudStatus, now time.Time) span {
	switch {
	case c.PendingUploads == 0:
		return plain.of("nothing")
	case !c.WaitingSince.IsZero() && now.Sub(c.WaitingSince) > time.Minute:
		return waits.of("%s, since %s", count(c.PendingUploads, "change"), on(c.WaitingSince, now, "15:04"))
	}
	return plain.of("%s", count(c.PendingUploads, "change"))
}

// sortedNames are the columns of two versions of a row.
func sortedNames(rows ...map[string]json.RawMessage) []string {
	all := map[string]bool{}
	for _, row := range rows {
		for name := range row {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// short is a value as a table shows it.
func short(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = string(value)
	}
	if r := []rune(text); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return text
}
