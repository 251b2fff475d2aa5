package wire

import (
	"strconv"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
)

// Stream is a stream as a checkpoint names it.
type Stream struct {
	Name    string
	Default bool
}

// Op is what an operation does.
type Op byte

// The operations. Put sets a row's document, Remove takes the row away, Move stands for one that later ones made void,
// Clear for everything in its bucket up to it.
const (
	Put    Op = 'P'
	Remove Op = 'R'
	Move   Op = 'M'
	Clear  Op = 'C'
)

// Operation is one operation of a bucket.
type Operation struct {
	ID       int64
	Op       Op
	Table    string
	RowID    string
	Checksum uint32
	Document string // of Put
}

func appendID(dst []byte, id int64) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, id, 10)
	return append(dst, '"')
}

func appendCheckpoint(dst []byte, lastOp int64, request string, buckets []*Bucket, streams []Stream) []byte {
	dst = append(dst, `{"checkpoint":{"last_op_id":`...)
	dst = appendID(dst, lastOp)
	dst = appendWriteCheckpoint(dst, request)
	dst = append(dst, `,"buckets":`...)
	dst = appendBuckets(dst, buckets)
	dst = append(dst, `,"streams":[`...)
	for i, s := range streams {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"name":`...)
		dst = row.AppendString(dst, s.Name)
		dst = append(dst, `,"is_default":`...)
		dst = strconv.AppendBool(dst, s.Default)
		dst = append(dst, `,"errors":[]}`...)
	}
	return append(dst, "]}}\n"...)
}

func appendDiff(dst []byte, lastOp int64, request string, removed []string, updated []*Bucket) []byte {
	dst = append(dst, `{"checkpoint_diff":{"last_op_id":`...)
	dst = appendID(dst, lastOp)
	dst = appendWriteCheckpoint(dst, request)
	dst = append(dst, `,"removed_buckets":[`...)
	for i, name := range removed {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = row.AppendString(dst, name)
	}
	dst = append(dst, `],"updated_buckets":`...)
	return append(appendBuckets(dst, updated), "}}\n"...)
}

func appendWriteCheckpoint(dst []byte, request string) []byte {
	if request == "" {
		return dst
	}
	dst = append(dst, `,"write_checkpoint":`...)
	return row.AppendString(dst, request)
}

func appendBuckets(dst []byte, buckets []*Bucket) []byte {
	dst = append(dst, '[')
	for i, b := range buckets {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"bucket":`...)
		dst = row.AppendString(dst, b.Name)
		dst = append(dst, `,"checksum":`...)
		dst = strconv.AppendInt(dst, int64(int32(b.Checksum)), 10) // clients take it signed
		dst = append(dst, `,"count":`...)
		dst = strconv.AppendInt(dst, b.Count, 10)
		dst = append(dst, `,"priority":`...)
		dst = strconv.AppendInt(dst, int64(b.Priority), 10)
		dst = append(dst, `,"subscriptions":[`...)
		dst = append(append(dst, b.Why...), "]}"...)
	}
	return append(dst, ']')
}

// AppendData appends a line of a bucket's operations, of which there is at least one.
func AppendData(dst []byte, bucket string, after int64, more, raw bool, ops []Operation) []byte {
	dst = append(dst, `{"data":{"bucket":`...)
	dst = row.AppendString(dst, bucket)
	dst = append(dst, `,"after":`...)
	dst = appendID(dst, after)
	dst = append(dst, `,"has_more":`...)
	dst = strconv.AppendBool(dst, more)
	dst = append(dst, `,"data":[`...)
	for i := range ops {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOperation(dst, &ops[i], raw)
	}
	dst = append(dst, `],"next_after":`...)
	return append(appendID(dst, ops[len(ops)-1].ID), "}}\n"...)
}

func appendOperation(dst []byte, o *Operation, raw bool) []byte {
	dst = append(dst, `{"op_id":`...)
	dst = appendID(dst, o.ID)
	dst = append(dst, `,"op":`...)
	dst = append(dst, o.Op.text()...)
	if o.Op == Put || o.Op == Remove {
		dst = append(dst, `,"object_type":`...)
		dst = row.AppendString(dst, o.Table)
		dst = append(dst, `,"object_id":`...)
		dst = row.AppendString(dst, o.RowID)
	}
	dst = append(dst, `,"checksum":`...)
	dst = strconv.AppendUint(dst, uint64(o.Checksum), 10)
	switch {
	case o.Op == Put && raw:
		dst = append(dst, `,"data":`...)
		dst = row.AppendString(dst, o.Document)
	case o.Op == Put:
		dst = append(dst, `,"data":`...)
		dst = append(dst, o.Document...)
	case o.Op == Remove:
		dst = append(dst, `,"data":null`...)
	}
	return append(dst, '}')
}

func (o Op) text() string {
	switch o {
	case Put:
		return `"PUT"`
	case Remove:
		return `"REMOVE"`
	case Move:
		return `"MOVE"`
	default:
		return `"CLEAR"`
	}
}

func appendPartial(dst []byte, lastOp int64, priority int) []byte {
	dst = append(dst, `{"partial_checkpoint_complete":{"last_op_id":`...)
	dst = appendID(dst, lastOp)
	dst = append(dst, `,"priority":`...)
	dst = strconv.AppendInt(dst, int64(priority), 10)
	return append(dst, "}}\n"...)
}

func appendComplete(dst []byte, lastOp int64) []byte {
	dst = append(dst, `{"checkpoint_complete":{"last_op_id":`...)
	return append(appendID(dst, lastOp), "}}\n"...)
}

// AppendTokenExpires appends the line that keeps a quiet stream alive: the seconds the token is still good for.
func AppendTokenExpires(dst []byte, seconds int64) []byte {
	dst = append(dst, `{"token_expires_in":`...)
	dst = strconv.AppendInt(dst, max(seconds, 0), 10)
	return append(dst, "}\n"...)
}
