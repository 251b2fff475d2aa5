//go:build ignore

// Command ico puts PNG pictures into one Windows icon file, as they are: `go run ico.go OUT.ico IN.png …`.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/png"
	"os"
)

// entry is the directory entry of one picture in an icon file.
type entry struct {
	Width, Height, Colors, Reserved uint8 // a width or height of 0 means 256
	Planes, Bits                    uint16
	Bytes, Offset                   uint32
}

const headerBytes, entryBytes = 6, 16

func main() {
	if err := write(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(out string, in []string) error {
	var directory, pictures bytes.Buffer
	put := func(v any) error { return binary.Write(&directory, binary.LittleEndian, v) }
	if err := put([3]uint16{0, 1, uint16(len(in))}); err != nil {
		return err
	}
	for _, path := range in {
		picture, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		offset := headerBytes + entryBytes*len(in) + pictures.Len()
		e := entry{uint8(c.Width), uint8(c.Height), 0, 0, 1, 32, uint32(len(picture)), uint32(offset)}
		if err := put(e); err != nil {
			return err
		}
		pictures.Write(picture)
	}
	return os.WriteFile(out, append(directory.Bytes(), pictures.Bytes()...), 0o644)
}
