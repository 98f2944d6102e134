package remember_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/remember"
)

// TestWhatNamesASeriesUpdatesIt, whichever call returned it; a series that has ended cannot be updated.
func TestWhatNamesASeriesUpdatesIt(t *testing.T) {
	for _, row := range []struct {
		name string
		get  func(d *device) remember.Remembered
		goes bool
	}{
		{"Find", func(d *device) remember.Remembered {
			list, err := d.m.Find(request(d.cookie))
			if err != nil || len(list) != 1 {
				t.Fatalf("got %v and %v, want one series", list, err)
			}
			return list[0]
		}, true},
		{"Recall", func(d *device) remember.Remembered {
			rem, cookie, err := d.m.Recall(request(d.cookie))
			if err != nil {
				t.Fatal(err)
			}
			d.cookie = cookie
			return rem
		}, true},
		{"a theft", func(d *device) remember.Remembered {
			old := d.cookie
			for range 2 {
				d.want("joe")
				<-time.After(time.Hour)
			}
			_, _, err := d.m.Recall(request(old))
			theft, ok := errors.AsType[*remember.CookieTheft](err)
			if !ok {
				t.Fatalf("got %v, want a theft", err)
			}
			return theft.Remembered
		}, true},
		{"Forget", func(d *device) remember.Remembered {
			list, _, err := d.m.Forget(request(d.cookie))
			if err != nil || len(list) != 1 {
				t.Fatalf("got %v and %v, want one series", list, err)
			}
			return list[0]
		}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := remembered(t, newRemember(t, newCells(t)), "joe")
			cookie, ok, err := d.m.Update(t.Context(), row.get(d), []byte(`"joe"`), []byte("another stamp"))
			if ok != row.goes || err != nil || (cookie != nil) != row.goes {
				t.Fatalf("%s: got the cookie %v, %t and %v, want %t", row.name, cookie, ok, err, row.goes)
			}
			if !ok {
				return
			}
			if rem, _, err := d.m.Recall(request(cookie)); err != nil || string(rem.Stamp) != "another stamp" {
				t.Errorf("%s: the next cookie remembers %+v, %v, want the other stamp", row.name, rem, err)
			}
		})
	}
}
