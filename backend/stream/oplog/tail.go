package oplog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// pollEvery bounds how long a lost notification can go unnoticed.
const pollEvery = 5 * time.Second

// News is what a commit of the writer concerns.
type News struct {
	Reset   bool // the log is built anew: streams of another epoch end, those of this one look
	Epoch   int64
	Seq     int64
	Buckets []string           // that have new operations
	Access  map[[2]string]bool // lookup and person whose keys changed
	Reached map[[2]string]bool // subject and client whose write checkpoint moved
	Traces  []string           // of the transactions that it has, those that are followed
}

// Tail listens to the writer and tells the news of each commit, several at once where it falls behind.
type Tail struct {
	store    *Store
	database string
	log      *slog.Logger
	tell     func(News)
	seq      int64
	epoch    int64
	traces   []string // heard of since the last news
}

// NewTail returns a Tail that calls tell, from the goroutine of Run, with what is new.
func NewTail(store *Store, database string, log *slog.Logger, tell func(News)) *Tail {
	return &Tail{store: store, database: database, log: log, tell: tell}
}

// Run listens until ctx ends, and returns its error. A lost connection is made again; nothing is missed by that.
func (t *Tail) Run(ctx context.Context) error {
	for {
		if err := t.listen(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn("listening to the operation log starts again", "error", err)
		}
		pause := time.NewTimer(200 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}

func (t *Tail) listen(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, t.database)
	if err != nil {
		return fmt.Errorf("listen to the operation log: %w", err)
	}
	defer closeSoon(conn)
	if _, err := conn.Exec(ctx, "LISTEN "+Channel); err != nil {
		return fmt.Errorf("listen to the operation log: %w", err)
	}
	for {
		if err := t.look(ctx, conn); err != nil {
			return err
		}
		heard, err := wait(ctx, conn)
		t.traces = append(t.traces, heard...)
		if err != nil {
			return fmt.Errorf("listen to the operation log: %w", err)
		}
	}
}

// wait returns at the next notification, or after a while without, and the traces that it names.
func wait(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	short, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	note, err := conn.WaitForNotification(short)
	if err != nil && ctx.Err() == nil && errors.Is(short.Err(), context.DeadlineExceeded) && !conn.IsClosed() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return strings.Fields(note.Payload), nil
}

// look reads what is new since the last time and tells it.
func (t *Tail) look(ctx context.Context, conn *pgx.Conn) error {
	news := News{Access: map[[2]string]bool{}, Reached: map[[2]string]bool{}}
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		head, err := t.store.head(ctx, tx)
		news.Seq, news.Epoch, news.Reset = head.Seq, head.Epoch, head.Epoch != t.epoch
		if err != nil {
			return err
		}
		if news.Seq == t.seq || news.Reset {
			return nil
		}
		return t.read(ctx, tx, &news)
	})
	if errors.Is(err, ErrNotReady) {
		t.tell(News{Reset: true, Epoch: news.Epoch}) // streams of that epoch, if any, find out themselves
		return nil
	}
	if err != nil {
		return err
	}
	if news.Seq != t.seq || news.Reset {
		t.seq, t.epoch = news.Seq, news.Epoch
		news.Traces, t.traces = t.traces, nil
		t.tell(news)
	}
	return nil
}

func (t *Tail) read(ctx context.Context, tx pgx.Tx, news *News) error {
	var batch pgx.Batch
	batch.Queue("SELECT name FROM sync_log.buckets WHERE seq > $1", t.seq).Query(func(rows pgx.Rows) (err error) {
		news.Buckets, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	pairs := func(into map[[2]string]bool) func(pgx.Rows) error {
		var a, b string
		return func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&a, &b}, func() error { into[[2]string{a, b}] = true; return nil })
			return err
		}
	}
	batch.Queue("SELECT lookup, who FROM sync_log.woken WHERE seq > $1", t.seq).Query(pairs(news.Access))
	batch.Queue("SELECT subject, client FROM sync_log.reached WHERE seq > $1", t.seq).Query(pairs(news.Reached))
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read the news of the operation log: %w", err)
	}
	return nil
}
