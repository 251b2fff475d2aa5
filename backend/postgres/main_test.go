package postgres_test

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
