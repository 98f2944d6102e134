package sqlstore_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestWhatNodeWroteIsFoundAgain checks that Node's records keep their bytes, also if they look like the
// wrapping of a record that is not JSON.
func TestWhatNodeWroteIsFoundAgain(t *testing.T) {
	for _, text := range []string{
		`{"cookie":{}}`, `{"_bytes":"eA==","cookie":{"a":"b"}}`, `{"_bytes":"e30="}`, `{"_bytes":"/x=="}`, `{"_bytes":"/w=="}`, `{"_bytes":""}`,
	} {
		if got := sqlstore.PackText(sqlstore.UnpackText([]byte(text))); got != text {
			t.Errorf("%s was read and is compared as %s", text, got)
		}
		if got := sqlstore.UnpackText([]byte(sqlstore.PackText([]byte(text)).(string))); string(got) != text {
			t.Errorf("%s was written and is read as %s", text, got)
		}
	}
}
