package reqstate

import (
	"encoding/json"

	"github.com/seed-6f34412b/passport/internal/record"
)

// Slot is a guard's log-in as it lies in the session's record.
type Slot = record.Slot

// LogIn is a log-in that the session's commit carries out.
type LogIn = record.LogIn

// DevicePrefix begins the name of the member with the device of a log-in; its guard's session
// key follows. The member ends with the log-in.
const DevicePrefix = record.DevicePrefix

// UserLabel returns the label under which a guard, whose session key is key, finds all
// sessions of the user of that name, which is JSON in its canonical form.
func UserLabel(key, name string) string { return record.UserLabel(key, name) }

// ParseSlot reads the member of a record at a guard's session key. ok is false when
// nobody is logged in there.
func ParseSlot(raw json.RawMessage) (s Slot, ok bool) { return record.ParseSlot(raw) }
