package config

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

func isDiskFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// syncDir does nothing: NTFS journals renames, and directories cannot be flushed.
func syncDir(string) error { return nil }

// osMachineID is the GUID that Windows minted when it was installed.
func osMachineID() (string, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`,
		registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return "", err
	}
	guid, _, err := key.GetStringValue("MachineGuid")
	return guid, errors.Join(err, key.Close())
}

// fileNumber is 0: os.FileInfo does not tell it here, and a copied home is not noticed.
func fileNumber(os.FileInfo) uint64 { return 0 }
