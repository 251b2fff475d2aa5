package agent

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// powerStatus is SYSTEM_POWER_STATUS.
type powerStatus struct {
	acLine, batteryFlag, batteryPercent, saver byte
	lifeTime, fullLifeTime                     uint32
}

// saving tells that the machine runs on its battery.
func saving() bool {
	var st powerStatus
	get := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
	ok, _, _ := get.Call(uintptr(unsafe.Pointer(&st)))
	return ok != 0 && st.acLine == 0
}
