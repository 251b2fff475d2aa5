package config

import "github.com/coditect-ai/coditect-sync/app"

// ForcedMode is the mode that CODITECT_SYNC_MODE forces, ModeUnset where it is not set. Any value that is no mode is
// CodeInvalid.
func ForcedMode(getenv func(string) string) (app.Mode, error) {
	value := getenv(EnvMode)
	if value == "" {
		return app.ModeUnset, nil
	}
	mode, err := app.ParseMode(value)
	if err != nil {
		return app.ModeUnset, app.Errorf(app.CodeInvalid, "mode", "%s is set to %q, which is no mode.", EnvMode, value).
			WithHint("Set it to cloud, standalone or off, or unset it.").Wrap(err)
	}
	return mode, nil
}
