package standalone

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/benbjohnson/litestream"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/standalone/crypt"
)

// encryptionName is the plain object in a user's folder that says that all others are sealed, with which key, and how they
// are opened without this program.
const encryptionName = "encryption.json"

func encryptionKey(user string) string { return path.Join(userDir(user), encryptionName) }

// encryptionFormat is what this version writes and reads.
const encryptionFormat = 1

// encryption is the content of encryption.json.
type encryption struct {
	Format int `json:"format"`
	// Key is the ID of the recovery key.
	Key string `json:"key"`
	// Read is for a person who has the key and not this program.
	Read []string `json:"read"`
}

// howToRead is what anybody needs to get the file back.
var howToRead = []string{
	"The objects beside this one are encrypted. Each NAME.age is an age file (https://age-encryption.org/v1): the recovery key opens it.",
	"1. Put the recovery key into a file: key.txt. Download the folder of the machine, the one with ltx in it: copies.",
	"2. find copies -name '*.age' -exec sh -c 'age -d -i key.txt -o ${1%.age} $1' - {} ';'", // nothing that JSON would escape
	"3. litestream restore -o restored.db file://$PWD/copies",
}

// opKey is the Op of errors that say that the copies are encrypted and their recovery key was not given.
const opKey = "recovery key"

// SettleEncryption makes sure that what a user has at the target fits how the target was opened, before anything is written:
// sealed with this key, or plain. It begins encryption if that is wished, where the user has nothing yet. What is sealed with
// the key must open with it. step says what it found or did; it is empty for plain copies.
func (t *Target) SettleEncryption(ctx context.Context, user string, begin bool) (step string, err error) {
	there, err := t.encryption(ctx, user)
	if err != nil {
		return "", asError("target", err)
	}
	key := t.sealed()
	switch {
	case key == nil && there != nil:
		return "", t.keyNeeded(user)
	case key == nil:
		return "", nil
	case there == nil && !begin:
		return "", app.Errorf(app.CodeRefused, "encrypt", "There are no encrypted copies of %s in %s.", user, t.at.name()).
			WithHint("Check the address, or begin encrypted copies there.").Typed("Check --target and --user, or begin encrypted copies there with --encrypt.")
	case there == nil:
		return t.beginEncryption(ctx, user)
	case there.Key == "": // encryption.json is gone: what opens with the key shows that it is the right one
		return t.resumeEncryption(ctx, user)
	case there.Key != key.ID():
		return "", t.wrongKey(user, "has the id "+there.Key)
	}
	return "The recovery key is that of the copies, and opened what was encrypted with it.", t.tryKey(ctx, user)
}

// tryKey has the key open what is stored of what it sealed.
func (t *Target) tryKey(ctx context.Context, user string) error {
	key, want := path.Join(userDir(user), ".probe-"+rand.Text()), []byte(rand.Text())
	err := t.putBytes(ctx, key, want)
	if err != nil {
		return asError("target", err)
	}
	got, err := t.getBytes(ctx, key)
	if err = errors.Join(err, t.store.remove(ctx, key)); err == nil && !bytes.Equal(got, want) {
		err = errors.New("other content came back")
	}
	if err != nil {
		return app.Errorf(app.CodeDamaged, "encrypt", "What was encrypted with the recovery key does not open with it.").
			WithHint("Try again, with a new key.").Wrap(err)
	}
	return nil
}

func (t *Target) keyNeeded(user string) error {
	return app.Errorf(app.CodeDenied, opKey, "The copies of %s in %s are encrypted.", user, t.at.name()).
		WithHint("Give the recovery key. Without it nobody can read the copies.").
		Typed("Give the recovery key with --key-file FILE. Without it nobody can read the copies.")
}

func (t *Target) wrongKey(user, want string) error {
	return app.Errorf(app.CodeDenied, "key", "This is not the recovery key of the copies of %s: theirs %s, this one %s.", user, want, t.sealed().ID()).
		WithHint("Look for the other one; its id stands beside it. Without it nobody can read the copies.")
}

// encryption is what encryption.json says; nil where the user's copies are plain, or there are none. Where it is gone, what
// lies there tells: the key is then unknown.
func (t *Target) encryption(ctx context.Context, user string) (*encryption, error) {
	var there encryption
	err := t.readJSON(ctx, encryptionKey(user), &there)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return t.lostEncryption(ctx, user)
	case err != nil:
		return nil, err
	case there.Format > encryptionFormat:
		return nil, app.Errorf(app.CodeRefused, "target", "The copies of %s are encrypted by a newer version of CODITECT Sync.", user).
			WithHint("Update CODITECT Sync on this machine.")
	}
	return &there, nil
}

func (t *Target) lostEncryption(ctx context.Context, user string) (*encryption, error) {
	folders, err := t.machineFolders(ctx, user)
	for _, machine := range folders {
		sealed, err := t.isSealedMachine(ctx, user, machine)
		if err != nil {
			return nil, err
		}
		if sealed {
			return &encryption{Format: encryptionFormat}, nil
		}
	}
	return nil, err
}

func (t *Target) machineFolders(ctx context.Context, user string) ([]string, error) {
	folders, err := t.store.dirs(ctx, userDir(user))
	return slices.DeleteFunc(folders, func(id string) bool { return id == lineageName }), err
}

// isSealedMachine tells whether a machine's folder holds sealed objects, looked at as they are stored.
func (t *Target) isSealedMachine(ctx context.Context, user, machine string) (bool, error) {
	places := []string{machineDir(user, machine)}
	for _, level := range []int{0, levels - 1} {
		places = append(places, litestream.LTXLevelDir(machineDir(user, machine), level))
	}
	for _, dir := range places {
		for o, err := range plainStore(t.store).list(ctx, dir, "") {
			if err != nil {
				return false, err
			}
			return strings.HasSuffix(o.name, crypt.Suffix), nil
		}
	}
	return false, nil
}

// plainStore is a store as it is.
func plainStore(s store) store {
	if sealed, ok := s.(sealedStore); ok {
		return sealed.store
	}
	return s
}

// beginEncryption says for all time that what this user has is sealed with this key; refused where plain copies lie already.
func (t *Target) beginEncryption(ctx context.Context, user string) (string, error) {
	folders, err := t.machineFolders(ctx, user)
	if err != nil {
		return "", asError("target", err)
	}
	if len(folders) > 0 {
		return "", app.Errorf(app.CodeRefused, "encrypt", "%s has plain copies in %s, and plain and encrypted ones are never mixed.", user, t.at.name()).
			WithHint("Choose a new folder: the whole file goes up there, encrypted. Delete the plain copies yourself when that is proved.").
			Typed("Choose a new folder with --target: the whole file goes up there, encrypted. Delete the plain copies yourself when that is proved.")
	}
	err = t.claimEncryption(ctx, user)
	if errors.Is(err, errClaimed) { // by another machine, just now
		return t.SettleEncryption(ctx, user, true)
	}
	if err != nil {
		return "", asError("target", err)
	}
	return "From now on everything is encrypted on this machine; the recovery key opened what was.", t.tryKey(ctx, user)
}

func (t *Target) claimEncryption(ctx context.Context, user string) error {
	content, err := json.MarshalIndent(encryption{encryptionFormat, t.sealed().ID(), howToRead}, "", "  ")
	if err != nil {
		return err
	}
	return t.store.claim(ctx, encryptionKey(user), append(content, '\n'))
}

// resumeEncryption writes encryption.json anew where the key opens what is there.
func (t *Target) resumeEncryption(ctx context.Context, user string) (string, error) {
	folders, err := t.machineFolders(ctx, user)
	if err != nil {
		return "", asError("target", err)
	}
	for _, machine := range folders {
		if _, err := t.ReadMachine(ctx, user, machine); err == nil {
			if err := t.claimEncryption(ctx, user); err != nil && !errors.Is(err, errClaimed) {
				return "", asError("target", err)
			}
			return "The recovery key opens the copies that are there. Wrote " + encryptionKey(user) + " anew, which was missing.", nil
		}
	}
	return "", t.wrongKey(user, "is another or they are damaged")
}
