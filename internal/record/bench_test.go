package record_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/internal/record"
)

// smallRecord is the record of a log-in with one value of the application.
const smallRecord = `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/","sameSite":"lax"},"passport":{"user":1,"go":{"for":1,"at":1795442400123,"factors":{"local":1795442400123}}},"cart":{"apples":3},"_go":{"b":1795442400123,"v":"k3J9aQx0","i":"d9fmCG"}}`

func BenchmarkParse(b *testing.B) {
	data := []byte(smallRecord)
	b.ReportAllocs()
	for b.Loop() {
		var r record.Record
		if err := r.Parse("ID", data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChange measures a write without the store: the record is read, its values are copied into a
// draft, one of them changes, and the draft is encoded.
func BenchmarkChange(b *testing.B) {
	data, value := []byte(smallRecord), []byte(`{"apples":4}`)
	b.ReportAllocs()
	for b.Loop() {
		var r record.Record
		if err := r.Parse("ID", data); err != nil {
			b.Fatal(err)
		}
		var d record.Draft
		d.Reset(&r)
		d.Members.Set("cart", value)
		if _, err := d.Encode(terms, "ID", &r, revision, now); err != nil {
			b.Fatal(err)
		}
	}
}
