package record_test

import (
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// TestTheLastOfRepeatedMembersCounts, without any part of an earlier one: JSON may repeat a name, and a
// log-in is read into the memory of the one before.
func TestTheLastOfRepeatedMembersCounts(t *testing.T) {
	const go1 = `"go":{"for":1,"at":1000,"stamp":"old","factors":{"totp":1}}`
	for name, row := range map[string]struct {
		logIn string
		want  record.Slot
	}{
		"notes twice":                {`{"user":1,` + go1 + `,"go":{"for":1}}`, record.Slot{ByGo: true}},
		"notes twice, the last none": {`{"user":1,` + go1 + `,"go":null}`, record.Slot{}},
		"the user again behind":      {`{"user":1,` + go1 + `,"user":1}`, record.Slot{}},
		"notes before the user":      {`{` + go1 + `,"user":1}`, record.Slot{}},
		"the log-in twice":           {`{"user":1,` + go1 + `},"passport":{"user":1}`, record.Slot{}},
		"the log-in twice, by Go":    {`{"user":1,` + go1 + `},"passport":{"user":1,"go":{"for":1,"at":2000}}`, record.Slot{ByGo: true, At: time.UnixMilli(2000)}},
	} {
		t.Run(name, func(t *testing.T) {
			var rec record.Record
			if err := rec.Parse("id", []byte(`{"cookie":{},"_go":{"b":1},"passport":`+row.logIn+`}`)); err != nil {
				t.Fatal(err)
			}
			got, ok := rec.Slot(record.PassportKey)
			if !ok || string(got.User) != "1" || got.ByGo != row.want.ByGo || !got.At.Equal(row.want.At) || got.Stamp != nil || got.Factors != nil {
				t.Errorf("%t, %+v, want user 1 and %+v", ok, got, row.want)
			}
		})
	}
	var rec record.Record
	if err := rec.Parse("id", []byte(`{"cookie":{},"passport":{"user":1,`+go1+`},"passport":{}}`)); err != nil {
		t.Fatal(err)
	}
	if got, ok := rec.Slot(record.PassportKey); ok || got.User != nil {
		t.Errorf("a second log-in without a user: %t, %+v, want none", ok, got)
	}
}
