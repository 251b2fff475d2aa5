package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// lostValue is one of GET /v1/lost.
type lostValue struct {
	Number int64           `json:"number"`
	Table  string          `json:"table"`
	ID     string          `json:"id"`
	Column string          `json:"column"` // empty: the row as a whole
	Kind   string          `json:"kind"`
	Value  json.RawMessage `json:"value"`
	HLC    pushapi.HLC     `json:"hlc"` // of the value
	Winner pushapi.HLC     `json:"winner_hlc"`
	Client string          `json:"client_id"` // whose push it was
	Group  int64           `json:"group"`
	At     time.Time       `json:"at"`
	// By wrote the value, WinnerBy what is in use. A server that does not say, or does not know, leaves them out.
	By       writer `json:"by"`
	WinnerBy writer `json:"winner_by"`
}

// writer is a person, who is this account when there is no name, at a machine.
type writer struct {
	Name    string `json:"name"`
	Machine string `json:"machine"`
}

// whys says what happened, by the kind that the server gives it.
var whys = map[string]string{
	"older":             "It came when the cloud had a newer value.",
	app.LostOverwritten: "A newer value of this machine took its place, written without having seen it.",
	"immutable":         "A message is written once.",
	"deleted":           "The row had been deleted.",
	"undeleted":         "The row had been changed since, so it was not deleted.",
}

// owes notes groups of which values lost a conflict, to be listed on this machine too.
func (p *pusher) owes(client string, a pushapi.Answer) {
	for _, r := range a.Results {
		if r.Lost > 0 {
			p.owed[owed{client, r.Group}] = true
		}
	}
}

type owed struct {
	client string
	group  int64
}

// lostPage is how many values are asked for at once.
const lostPage = 500

// keepLost fetches the values that lost in what this machine pushed, and keeps them in lost & found.
func (p *pusher) keepLost(ctx context.Context) error {
	before := ""
	for len(p.owed) > 0 {
		page, err := p.lost(ctx, before)
		if err != nil {
			return err
		}
		var items []app.LostItem
		for _, v := range page {
			if p.owed[owed{v.Client, v.Group}] {
				items = append(items, v.item())
			}
			before = strconv.FormatInt(v.Number, 10)
		}
		if len(items) > 0 {
			if err := p.cfg.File.KeepLost(ctx, items...); err != nil {
				return err
			}
		}
		if len(page) < lostPage || len(items) == 0 { // newest first: what is owed was on top
			clear(p.owed)
		}
	}
	return nil
}

func (p *pusher) lost(ctx context.Context, before string) ([]lostValue, error) {
	ctx, cancel := p.link.within(ctx)
	defer cancel()
	address := p.cfg.Server + "/v1/lost?limit=" + strconv.Itoa(lostPage)
	if before != "" {
		address += "&before=" + before
	}
	answer, err := p.link.do(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Lost []lostValue `json:"lost"`
	}
	err = readJSON(ctx, answer.Body, maxAnswer, &said)
	return said.Lost, err
}

// item is how a value is listed on this machine. Its origin makes that it is kept once.
func (v lostValue) item() app.LostItem {
	mine := v.Value
	if v.Column != "" {
		if text, err := json.Marshal(map[string]json.RawMessage{v.Column: v.Value}); err == nil {
			mine = text
		}
	}
	op := string(pushapi.Patch)
	if v.Column == "" {
		op = string(pushapi.Put)
	}
	at := v.At
	if v.HLC.Valid() {
		at = v.HLC.Time()
	}
	other := v.WinnerBy
	if v.Kind == app.LostOverwritten { // this machine's is in use
		other = v.By
	}
	return app.LostItem{ID: "cloud:" + strconv.FormatInt(v.Number, 10), At: at, Kind: app.LostConflict, Table: v.Table, Row: v.ID, Op: op,
		Mine: mine, Why: v.why(), Code: v.Kind, By: other.Name, Machine: other.Machine}
}

// spoken is a span of time as people say it, in one unit.
func spoken(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// why is what happened, with how much later the version in use was written where both clocks tell.
func (v lostValue) why() string {
	later := ""
	if v.HLC.Valid() && v.Winner.Valid() {
		if d := v.Winner.Time().Sub(v.HLC.Time()).Round(time.Second); d > 0 {
			later = spoken(d)
		}
	}
	switch why := whys[v.Kind]; {
	case why == "":
		return "Another version won."
	case later != "" && v.Kind == "older":
		return "The version in use was written " + later + " later."
	case later != "" && v.Kind == app.LostOverwritten:
		return "This machine wrote " + later + " later, without having seen it."
	default:
		return why
	}
}
