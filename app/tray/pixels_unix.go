//go:build unix && !darwin

package tray

import (
	"bufio"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
)

// A panel wants the colours of a picture as they are, with the opacity beside them. systray hands over colours that are
// already multiplied by the opacity, and of their 16 bits the lower 8, which on every half-transparent edge are noise.
// So it gets its pictures in a format of our own, a PNG behind a few letters, and that decodes to colours in which both
// halves of the 16 bits are what the panel wants.

const pixelsMagic = "coditect-tray:"

func registerPixels() { image.RegisterFormat("coditect-tray", pixelsMagic, decodePixels, pixelsConfig) }

func decodePixels(r io.Reader) (image.Image, error) {
	if _, err := io.CopyN(io.Discard, r, int64(len(pixelsMagic))); err != nil {
		return nil, err
	}
	img, err := png.Decode(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	pixels, ok := img.(*image.NRGBA)
	if !ok {
		return nil, errors.New("the picture has another kind of pixels")
	}
	return straight{pixels}, nil
}

func pixelsConfig(io.Reader) (image.Config, error) {
	return image.Config{}, errors.New("the size is found by decoding")
}

// straight is a picture that gives its colours away unmultiplied.
type straight struct{ *image.NRGBA }

// At implements image.Image.
func (s straight) At(x, y int) color.Color { return straightColor(s.NRGBAAt(x, y)) }

type straightColor color.NRGBA

// RGBA breaks the promise of color.Color to multiply by the opacity; see above.
func (c straightColor) RGBA() (r, g, b, a uint32) {
	wide := func(v uint8) uint32 { return uint32(v) * 0x101 }
	return wide(c.R), wide(c.G), wide(c.B), wide(c.A)
}
