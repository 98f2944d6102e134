package totp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// An account's key is made, shown to the app as a QR code, and confirmed by a first code
// before it counts. Later, each code is good once.
func Example_enrol() {
	memory, err := store.Memory(store.MemoryConfig{}) // several processes: store.Redis
	if err != nil {
		panic(err)
	}
	codes, err := totp.NewCodes(totp.CodesConfig{Cells: memory.Cells, Issuer: "Example"})
	if err != nil {
		panic(err)
	}
	key := codes.NewKey()
	fmt.Println(strings.Split(codes.URL("joefoo@test.com", key), "?")[0])
	now := time.Now()
	confirmed := codes.Verify(context.Background(), "user 2", key, codes.Code(key, now))
	fmt.Println("confirmed:", confirmed == nil)

	second, err := totp.New(totp.Config[string]{Codes: codes, Enrolled: func(*http.Request) (totp.Enrolled[string], error) {
		return totp.Enrolled[string]{User: "joe", Account: "user 2", Key: key}, nil
	}})
	if err != nil {
		panic(err)
	}
	post := func(code string) {
		r := httptest.NewRequest(http.MethodPost, "/login/totp", strings.NewReader("code="+code))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		user, err := second.Authenticate(httptest.NewRecorder(), r)
		fmt.Printf("%q, refused: %v\n", user, errors.Is(err, strategy.ErrUnauthenticated))
	}
	post(codes.Code(key, now)) // the code that confirmed: used
	post(codes.Code(key, now.Add(30*time.Second)))
	// Output:
	// otpauth://totp/Example:joefoo@test.com
	// confirmed: true
	// "", refused: true
	// "joe", refused: false
}
