package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"os"
)

func newKey(t testing.TB) *Key {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t testing.TB, k *Key, content []byte, name string) []byte {
	t.Helper()
	b, err := k.SealBytes(content, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(k *Key, object []byte, name string) ([]byte, error) {
	r, err := k.Open(bytes.NewReader(object), name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

var sizes = []int{0, 1, 100, piece - 1, piece, piece + 1, 3 * piece, 3*piece + 17}

func content(n int) []byte {
	b := make([]byte, n)
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// TestRoundTrip: what was sealed comes back, whole and in parts, and sizes follow from each other.
func TestRoundTrip(t *testing.T) {
	k := newKey(t)
	for _, n := range sizes {
		want := content(n)
		object := sealed(t, k, want, "a/b.ltx")
		if Size(int64(n)) != int64(len(object)) || ContentSize(int64(len(object))) != int64(n) {
			t.Errorf("%d bytes: %d stored, said are %d and %d", n, len(object), Size(int64(n)), ContentSize(int64(len(object))))
		}
		if got, err := open(k, object, "a/b.ltx"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d: %v", n, len(got), err)
		}
		at, size, err := k.OpenAt(bytes.NewReader(object), int64(len(object)), "a/b.ltx")
		if err != nil || size != int64(n) {
			t.Fatalf("%d: %d, %v", n, size, err)
		}
		for _, from := range []int64{0, int64(n) / 3, int64(n) - 1} {
			if from < 0 {
				continue
			}
			if got, err := io.ReadAll(io.NewSectionReader(at, from, size-from)); err != nil || !bytes.Equal(got, want[from:]) {
				t.Errorf("%d from %d: %d bytes, %v", n, from, len(got), err)
			}
		}
		for _, first := range []int{1, n / 2, n} {
			cut := object[:min(int64(len(object)), Until(int64(first)))]
			r, err := k.Open(bytes.NewReader(cut), "a/b.ltx")
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, min(first, n))
			if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want[:len(got)]) {
				t.Errorf("the first %d of %d: %v", first, n, err)
			}
		}
	}
}

// TestNothingElseOpens: every flipped bit and every cut of an object, another name and another key.
func TestNothingElseOpens(t *testing.T) {
	k := newKey(t)
	object := sealed(t, k, content(1000), "m/1.ltx")
	refused := func(what string, k *Key, b []byte, name string) {
		t.Helper()
		if got, err := open(k, b, name); !errors.Is(err, ErrUnsealed) {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
		if _, _, err := k.OpenAt(bytes.NewReader(b), int64(len(b)), name); !errors.Is(err, ErrUnsealed) {
			at, n, err := k.OpenAt(bytes.NewReader(b), int64(len(b)), name)
			if err == nil {
				_, err = io.ReadAll(io.NewSectionReader(at, 0, n))
			}
			if !errors.Is(err, ErrUnsealed) {
				t.Errorf("%s, at: %v", what, err)
			}
		}
	}
	for i := range object {
		b := bytes.Clone(object)
		b[i] ^= 1 << (i % 8)
		refused(fmt.Sprintf("bit of byte %d", i), k, b, "m/1.ltx")
		refused(fmt.Sprintf("cut at %d", i), k, object[:i], "m/1.ltx")
	}
	refused("grown", k, append(bytes.Clone(object), 0), "m/1.ltx")
	refused("another key", newKey(t), object, "m/1.ltx")
	refused("plain", k, content(1000), "m/1.ltx")
	refused("another name", k, object, "m/2.ltx")
	if _, err := open(k, object, "m/2.ltx"); !errors.Is(err, ErrElsewhere) {
		t.Errorf("another name: %v", err)
	}
}

// TestWhoKnowsTheRecipientAlone cannot write what opens: the age command, given the public half, seals without the bond.
func TestWhoKnowsTheRecipientAlone(t *testing.T) {
	k := newKey(t)
	forged := run(t, content(100), ageTool(t, "age"), "-r", k.identity.Recipient().String())
	if _, err := open(k, forged, "m/1.ltx"); !errors.Is(err, ErrElsewhere) {
		t.Errorf("a forged object: %v", err)
	}
	spliced := sealed(t, k, content(100), "m/1.ltx") // the bond of a true one does not fit another file
	lines := bytes.SplitN(spliced, []byte("\n"), 6)
	bond := bytes.Join(lines[3:5], []byte("\n"))
	parts := bytes.SplitN(forged, []byte("\n"), 4)
	b := bytes.Join([][]byte{parts[0], parts[1], parts[2], bond, parts[3]}, []byte("\n"))
	if _, err := open(k, b, "m/1.ltx"); !errors.Is(err, ErrUnsealed) {
		t.Errorf("a spliced object: %v", err)
	}
}

// TestTheAgeCommandOpens what we sealed, with the key as it is shown.
func TestTheAgeCommandOpens(t *testing.T) {
	k := newKey(t)
	key := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(key, []byte(k.Secret()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, n := range sizes {
		want := content(n)
		if got := run(t, sealed(t, k, want, "m/1.ltx"), ageTool(t, "age"), "-d", "-i", key); !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d", n, len(got))
		}
	}
	made := run(t, nil, ageTool(t, "age-keygen"))
	theirs, err := Parse(string(made))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(made, []byte(theirs.Secret())) || !bytes.Contains(made, []byte(theirs.identity.Recipient().String())) {
		t.Error("a key of age-keygen was read as another")
	}
}

func ageTool(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("../../../build/setup/tool.sh", "../../../build/bin/tools", "filippo.io/age/cmd/"+name+"@v1.3.2").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func run(t testing.TB, in []byte, tool string, args ...string) []byte {
	t.Helper()
	c := exec.Command(tool, args...)
	var out, complaint bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &complaint
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, &complaint)
	}
	return out.Bytes()
}

// TestParse: as a person types it, and nothing that is none.
func TestParse(t *testing.T) {
	k := newKey(t)
	secret := k.Secret()
	for _, text := range []string{
		secret, "  " + secret + "\r\n", strings.ToLower(secret), "# made today\n\n" + secret + "\n",
		secret[:20] + " " + secret[20:40] + "  " + secret[40:],
	} {
		if got, err := Parse(text); err != nil || got.Secret() != secret || got.ID() != k.ID() {
			t.Errorf("%d characters: %v, %v", len(text), got, err)
		}
	}
	typo := []byte(secret)
	if typo[30]++; typo[30] > 'Z' {
		typo[30] = 'A'
	}
	for _, text := range []string{"", "hello", secret[:40], string(typo), k.identity.Recipient().String(), secret + "\n" + newKey(t).Secret()} {
		if _, err := Parse(text); !errors.Is(err, ErrNotKey) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%d characters: %v", len(text), err)
		}
	}
}

// TestNoSecretIsPrinted, however a key gets into a format or a log.
func TestNoSecretIsPrinted(t *testing.T) {
	k := newKey(t)
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("a_key", "key", k, "name", bound{k, "n"})
	slog.New(slog.NewTextHandler(&out, nil)).Info("a_key", "key", k, "name", bound{k, "n"})
	fmt.Fprintf(&out, "%v %+v %#v %s %q %v", k, k, k, k, k, struct{ K *Key }{k})
	secret := k.Secret()[len(keyPrefix):]
	if strings.Contains(strings.ToUpper(out.String()), secret[:12]) {
		t.Error("the secret was printed")
	}
	if !strings.Contains(out.String(), k.ID()) {
		t.Error("the id was not")
	}
}

// TestFailuresOfTheSource stay what they are: a broken connection is no damage.
func TestFailuresOfTheSource(t *testing.T) {
	k := newKey(t)
	broken := errors.New("connection reset")
	object := sealed(t, k, content(3*piece), "n")
	for _, after := range []int{0, 50, before + 10, 2 * piece} {
		r, err := k.Open(io.MultiReader(bytes.NewReader(object[:after]), iotest.ErrReader(broken)), "n")
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, broken) || errors.Is(err, ErrUnsealed) {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}
