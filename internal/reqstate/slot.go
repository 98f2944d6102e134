package reqstate

import (
	"encoding/json"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// Slot is a guard's log-in in the session's record.
type Slot = record.Slot

// LogIn is a log-in that the session's commit carries out.
type LogIn = record.LogIn

// DevicePrefix and a guard's session key are the name of the member with the device of its log-in. The
// member ends with the log-in.
const DevicePrefix = record.DevicePrefix

// UserLabel returns the label under which the guard with the session key key finds all sessions of the user
// called name, which is JSON in canonical form.
func UserLabel(key, name string) string { return record.UserLabel(key, name) }

// ParseSlot reads the member at a guard's session key of a session that was created then. ok is false if
// nobody is logged in there.
func ParseSlot(raw json.RawMessage, created time.Time) (s Slot, ok bool) {
	return record.ParseSlot(raw, created)
}
