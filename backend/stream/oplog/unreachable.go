package oplog

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unreachable tells whether an error says that the database does not answer now: the connection broke, or it starts or ends.
func Unreachable(err error) bool {
	var network *net.OpError
	var connect *pgconn.ConnectError
	var said *pgconn.PgError
	switch {
	case errors.As(err, &said):
		return strings.HasPrefix(said.Code, "57P") || strings.HasPrefix(said.Code, "08")
	case errors.As(err, &network), errors.As(err, &connect), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	}
	return false
}
