package window

import (
	"maps"
	"os"
	"testing"
)

func TestSizeIsKept(t *testing.T) {
	home := newHome(t)
	if got := loadSize(home); got != usual {
		t.Errorf("at first %v", got)
	}
	for _, c := range []struct{ save, want size }{
		{size{Width: 900, Height: 700}, size{Width: 900, Height: 700}},
		{size{Width: 2560, Height: 1400, Maximised: true}, size{Width: 900, Height: 700, Maximised: true}},
		{size{Width: 1, Height: 1}, size{Width: 900, Height: 700, Maximised: true}},
		{size{Width: 320, Height: 320}, size{Width: 320, Height: 320}},
		{usual, usual},
	} {
		if err := saveSize(home, c.save); err != nil {
			t.Fatal(err)
		}
		if got := loadSize(home); got != c.want {
			t.Errorf("saved %v, loaded %v, want %v", c.save, got, c.want)
		}
	}
}

func TestSizeThatIsNone(t *testing.T) {
	home := newHome(t)
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `{"width":-5,"height":700}`, `{"width":900,"height":9e9}`, `[]`, `{"width":1e9,"height":700}`} {
		if err := os.WriteFile(sizePath(home), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := loadSize(home); got != usual {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestSurroundings(t *testing.T) {
	const dmabuf = "WEBKIT_DISABLE_DMABUF_RENDERER"
	for _, c := range []struct {
		has, want map[string]string
		dark      bool
	}{
		{has: nil, want: map[string]string{"LANG": "en_US.UTF-8", dmabuf: "1"}},
		{dark: true, has: map[string]string{"LANG": "de_DE"}, want: map[string]string{dmabuf: "1", "GTK_THEME": "Adwaita:dark"}},
		{dark: true, has: map[string]string{"LANG": "de_DE", "GTK_THEME": "Yaru"}, want: map[string]string{dmabuf: "1"}},
		{has: map[string]string{"LANG": "C"}, want: map[string]string{"LANG": "en_US.UTF-8", dmabuf: "1"}},
		{has: map[string]string{"LANG": "C.UTF-8"}, want: map[string]string{"LANG": "en_US.UTF-8", dmabuf: "1"}},
		{has: map[string]string{"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, want: map[string]string{"LC_ALL": "en_US.UTF-8", "LANG": "en_US.UTF-8", dmabuf: "1"}},
		{has: map[string]string{"LANG": "de_DE.UTF-8"}, want: map[string]string{dmabuf: "1"}},
		{has: map[string]string{"LC_MESSAGES": "pt_BR", "LANG": "C", dmabuf: "0"}, want: map[string]string{}},
	} {
		if got := surroundings(func(name string) string { return c.has[name] }, c.dark); !maps.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.has, got, c.want)
		}
	}
}
