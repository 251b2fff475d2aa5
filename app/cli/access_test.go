package cli

import "testing"

func TestAccessKeysAsPeopleHaveThem(t *testing.T) {
	for what, text := range map[string]string{
		"two lines":   "AKIAX\nsecret+/=\n",
		"spaces":      "\n  AKIAX  \r\n\r\n secret+/= \r\n",
		"profile":     "[default]\naws_access_key_id = AKIAX\naws_secret_access_key = secret+/=\n[other]\naws_access_key_id = B\naws_secret_access_key = c\n",
		"environment": "# mine\naws_access_key_id=AKIAX\naws_secret_access_key=secret+/=",
		"console":     "\ufeffAccess key ID,Secret access key\r\nAKIAX,secret+/=\r\n",
	} {
		if key, ok := parseAccess(text); !ok || key.ID != "AKIAX" || key.Secret.Reveal() != "secret+/=" {
			t.Errorf("%s: %q, %v", what, key.ID, ok)
		}
	}
	for _, text := range []string{"", "AKIAX", "AKIAX\n\n", "a\nb\nc", "aws_access_key_id=AKIAX", "[default]", "Access key ID,Secret access key", "one two\nthree", "a,"} {
		if key, ok := parseAccess(text); ok {
			t.Errorf("%q gives %q", text, key.ID)
		}
	}
}
