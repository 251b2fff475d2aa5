package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// pusher sends what the file has to send. It belongs to one goroutine, but for pushed.
type pusher struct {
	cfg   Config
	link  *link
	board *board
	log   *slog.Logger
	zip   *zstd.Encoder

	client  string // the client id of the file
	renewed func() // called when that is another one than before
	alone   int    // so many groups are sent one by one, because one of them is refused
	large   int    // how often a single group was refused by something that is not our server
	looked  time.Time
	later   bool          // a look was put off
	mark    int64         // the newest change when nothing waited
	drained bool          // the last answer left nothing that waits; mark is of then
	owed    map[owed]bool // groups whose lost values are to be listed here
	done    *progressed
	total   tally
}

// tally is what was done in all.
type tally struct{ pushed, rejected int64 }

// progressed tells how far everything is acknowledged, and wakes who waits for it.
type progressed struct {
	mu      sync.Mutex
	mark    int64
	changed chan struct{}
}

func newProgressed() *progressed { return &progressed{mark: -1, changed: make(chan struct{})} }

func (p *progressed) set(mark int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if mark > p.mark {
		p.mark = mark
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

func (p *progressed) get() (mark int64, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mark, p.changed
}

func newPusher(c Config, l *link, b *board, done *progressed) (*pusher, error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	return &pusher{cfg: c, link: l, board: b, log: c.Logger, zip: zip, done: done, owed: map[owed]bool{}, renewed: func() {}}, nil
}

// drain sends until nothing waits. Each answer is settled before the next request. It returns the first failure; then
// what was not settled goes up again, the same bytes.
func (p *pusher) drain(ctx context.Context) error {
	defer p.board.change(func(_ *app.CloudStatus, d *doing) { d.upload = work{} })
	for sent := false; ; sent = true {
		p.drained = false
		out, err := p.next(ctx)
		if err != nil {
			return err
		}
		if len(out.Groups) == 0 {
			p.done.set(out.Mark)
			news := sent || out.Mark != p.mark || len(p.owed) > 0
			p.mark = out.Mark
			if err := p.keepLost(ctx); err != nil {
				return err
			}
			return p.count(ctx, news)
		}
		if err := p.count(ctx, false); err != nil {
			return err
		}
		if err := p.send(ctx, out); err != nil {
			return err
		}
		if p.drained {
			return p.emptied(ctx)
		}
		if !out.More {
			p.done.set(out.Mark)
		}
	}
}

// emptied is drain's end where the last answer said that nothing waits any more: the file need not be asked once more.
func (p *pusher) emptied(ctx context.Context) error {
	p.done.set(p.mark)
	p.board.change(func(s *app.CloudStatus, d *doing) {
		s.PendingUploads, s.WaitingSince, d.waits = 0, time.Time{}, time.Time{}
	})
	return p.keepLost(ctx)
}

// next is what goes up next.
func (p *pusher) next(ctx context.Context) (pushapi.Outbox, error) {
	out, err := p.cfg.File.NextGroups(ctx, pushapi.MaxChanges, pushapi.MaxBytes-overhead)
	if err != nil {
		return out, err
	}
	if out.ClientID != p.client { // also where nothing is to be sent: a write checkpoint is asked for under it
		p.client = out.ClientID
		p.renewed()
	}
	if p.alone > 0 && len(out.Groups) > 1 {
		out.Groups, out.More = out.Groups[:1], true
	}
	return out, nil
}

// overhead is what a request has besides its groups, in bytes.
const overhead = 1 << 10

// send makes one request and settles its answer.
func (p *pusher) send(ctx context.Context, out pushapi.Outbox) error {
	answer, err := p.ask(ctx, out)
	var r *refusal
	if errors.As(err, &r) && r.kind == never {
		return p.divide(ctx, out, r)
	}
	if err != nil {
		return err
	}
	p.large = 0
	return p.settle(ctx, out, answer)
}

func (p *pusher) ask(ctx context.Context, out pushapi.Outbox) (pushapi.Answer, error) {
	ctx, cancel := p.link.within(ctx)
	defer cancel()
	body := p.zip.EncodeAll(out.Body(p.cfg.Machine), nil)
	response, err := p.link.do(ctx, http.MethodPost, p.cfg.Server+"/v1/push", bytes.NewReader(body), "Content-Encoding", "zstd")
	if err != nil {
		return pushapi.Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer pushapi.Answer
	if err := readJSON(ctx, response.Body, maxAnswer, &answer); err != nil {
		return answer, err
	}
	p.board.sentBytes(len(body))
	return answer, answers(out, answer)
}

// maxAnswer is how much of an answer is read: it may repeat every row of a rejected group.
const maxAnswer = 64 << 20

// readJSON reads an answer that is JSON. Anything else was not said by the cloud.
func readJSON(ctx context.Context, body io.Reader, most int64, into any) error {
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return unreachable(ctx, err)
	case int64(len(text)) > most || json.Unmarshal(text, into) != nil:
		return &refusal{kind: later, status: http.StatusOK, cause: portal}
	}
	return nil
}

// answers tells whether an answer is one to these groups.
func answers(out pushapi.Outbox, a pushapi.Answer) error {
	wrong := len(a.Results) != len(out.Groups)
	for i := 0; !wrong && i < len(a.Results); i++ {
		wrong = a.Results[i].Group != out.Groups[i].Number || a.Results[i].Part != out.Groups[i].Part
	}
	if wrong {
		return &refusal{kind: later, status: http.StatusOK, cause: portal}
	}
	return nil
}

// settle hands the answer to the file. Where the server wants a group again it says why, and that is the failure.
func (p *pusher) settle(ctx context.Context, out pushapi.Outbox, a pushapi.Answer) error {
	settled, err := p.cfg.File.Settle(ctx, out.ClientID, a)
	if err != nil {
		return err
	}
	p.owes(out.ClientID, a)
	p.alone = max(p.alone-len(out.Groups), 0)
	p.total.pushed += int64(settled.Changes)
	p.total.rejected += int64(settled.Rejected)
	again := again(a)
	if again == nil && !decided(a) {
		return &refusal{kind: later, status: http.StatusOK, cause: portal}
	}
	p.moved(settled, again == nil)
	if p.drained = settled.Drained && settled.Rejected == 0 && again == nil; p.drained {
		p.mark = settled.Mark
	}
	if settled.Rejected > 0 {
		p.log.Warn("changes were not accepted", "rows", settled.Rejected)
	}
	if again != nil && again.code != string(pushapi.OutOfOrder) {
		return again
	}
	if again != nil && settled.Applied == 0 {
		again.kind, again.after = later, time.Second
		return again
	}
	return nil
}

// decided tells whether an answer says of any group what became of it.
func decided(a pushapi.Answer) bool {
	for _, r := range a.Results {
		switch r.Status {
		case pushapi.Applied, pushapi.Duplicate, pushapi.Staged, pushapi.Rejected:
			return true
		case pushapi.Retry:
		}
	}
	return false
}

// again is why something is to be sent again; nil when nothing is.
func again(a pushapi.Answer) *refusal {
	for _, r := range a.Results {
		if r.Status != pushapi.Retry || r.Code == pushapi.NotTried {
			continue
		}
		cause := "The cloud could not take the changes now."
		if r.Code == pushapi.SchemaAhead {
			cause = "The cloud is older than this program and does not know all of the tables yet."
		}
		return &refusal{kind: later, status: http.StatusOK, code: string(r.Code), cause: cause}
	}
	return nil
}

// moved notes acknowledged progress.
func (p *pusher) moved(s app.Settled, all bool) {
	now := p.cfg.Now()
	p.board.acknowledged(s.Changes)
	p.board.change(func(status *app.CloudStatus, d *doing) {
		if s.Changes > 0 {
			status.LastPushedAt = now
		}
		status.PendingUploads = max(status.PendingUploads-int64(s.Changes), 0)
		status.Rejected += int64(s.Rejected)
		d.acked = now
		d.upload.done += int64(s.Changes)
		if all {
			d.up = trouble{}
		}
	})
}

// divide finds the group that the server will not take: all are sent one by one, and the one that is refused alone goes to
// lost & found. A proxy in between may refuse what the server would take, so without a word of the server's it takes a few
// tries.
func (p *pusher) divide(ctx context.Context, out pushapi.Outbox, r *refusal) error {
	if len(out.Groups) > 1 {
		p.alone = len(out.Groups)
		return nil
	}
	if p.large++; r.code == "" && p.large < 4 {
		return &refusal{kind: later, status: r.status, cause: "Something between this machine and the cloud refuses a large change.", err: r}
	}
	p.large = 0
	g := out.Groups[0]
	p.log.Warn("a group was refused as a whole", "group", g.Number, "status", r.status, "code", r.code)
	code := pushapi.Malformed
	if r.status == http.StatusRequestEntityTooLarge {
		code = pushapi.TooLarge
	}
	return p.settle(ctx, out, pushapi.Answer{Results: []pushapi.Result{{Group: g.Number, Part: g.Part, Status: pushapi.Rejected,
		Code: code, Message: "The cloud does not take this change in any form.", Unread: true}}})
}

// countEvery is how often waiting changes are counted while they go up, or while others write what is not recorded: with many
// that takes some milliseconds.
const countEvery = time.Second

// count looks at what waits: at once where that may have become nothing, else now or soon.
func (p *pusher) count(ctx context.Context, atOnce bool) error {
	now := p.cfg.Now()
	if p.later = !atOnce && now.Sub(p.looked) < countEvery; p.later {
		return nil
	}
	c, err := p.cfg.File.Capture(ctx)
	if err != nil {
		return err
	}
	p.looked = now
	p.board.captured(c)
	return nil
}

// captured shows how recording stands.
func (b *board) captured(c app.Capture) {
	now := b.now()
	b.change(func(s *app.CloudStatus, d *doing) {
		if s.PendingUploads == 0 && c.Waiting > 0 {
			d.waits = now
		}
		s.Recording, s.PendingUploads, s.WaitingSince, s.Rejected = c.Enrolled, c.Waiting, c.Since, c.Lost
		if c.Waiting == 0 {
			d.upload, d.waits = work{}, time.Time{}
		} else if d.upload.total < d.upload.done+c.Waiting {
			if d.upload.since.IsZero() {
				d.upload.since = now
			}
			d.upload.total = d.upload.done + c.Waiting
		}
	})
	if len(c.Problems) > 0 {
		b.setFault(partCapture, &c.Problems[0])
		return
	}
	b.setFault(partCapture, nil)
}
