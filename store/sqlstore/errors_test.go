package sqlstore_test

import (
	"errors"
	"testing"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

func TestErrorsQuoteNamesAndNoValues(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{`ERROR: relation "passport_sessions" does not exist (SQLSTATE 42P01)`, `ERROR: relation "passport_sessions" does not exist (SQLSTATE 42P01)`},
		{`ERROR: column "expire" does not exist`, `ERROR: column "expire" does not exist`},
		{`Error 1146 (42S02): Table 'shop.sessions' doesn't exist`, `Error 1146 (42S02): Table 'shop.sessions' doesn't exist`},
		{`Error 1146 (42S02): Table 'shop.shop_values' doesn't exist`, `Error 1146 (42S02): Table 'shop.shop_values' doesn't exist`},
		{`Error 1062 (23000): Duplicate entry 'Zt0xKd93jfQ' for key 'PRIMARY'`, `Error 1062 (23000): Duplicate entry (left out) for key (left out)`},
		{`Error 1366 (22007): Incorrect string value: '\xF0\x9F' for column 'data' at row 1`, `Error 1366 (22007): Incorrect string value: (left out) for column 'data' at row 1`},
		{`a quotation of more "lines
than one" here`, `a quotation of more (left out) here`},
		{`Error 1265: 'data', 'Zdata'`, `Error 1265: 'data', (left out)`},
		{`connection refused`, `connection refused`},
	} {
		cause := errors.New(row.text)
		got := sqlstore.Plain(cause)
		if got.Error() != row.want || !errors.Is(got, cause) {
			t.Errorf("%s:\ngot  %s\nwant %s", row.text, got, row.want)
		}
	}
}
