package main_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

func TestTheCommandPrintsTheTables(t *testing.T) {
	program := filepath.Join(t.TempDir(), "schema")
	if out, err := subprocess.Command(t, 0, "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, row := range []struct {
		args string
		ok   bool
		want string
	}{
		{"-dialect postgres", true, `CREATE TABLE IF NOT EXISTS "passport_sessions"`},
		{"-dialect mysql -layout express-mysql-session -prefix shop_", true, "`shop_notes`"},
		{"-dialect sqlite", true, "BLOB"},
		{"", false, "give Postgres, MySQL or SQLite"},
		{"-dialect postgres -layout none", false, `no layout "none"`},
	} {
		out, err := subprocess.Command(t, 0, program, strings.Fields(row.args)...).CombinedOutput()
		if (err == nil) != row.ok || !strings.Contains(string(out), row.want) {
			t.Errorf("schema %s: got error %v and %s, want %q", row.args, err, out, row.want)
		}
	}
}
