//go:build long

package postgres_test

const kills = 100
