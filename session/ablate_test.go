//go:build integration

package session_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExplorationFindsEachBug takes one rule at a time out of a copy of the code and
// demands that the exploration, or the rule's own test, then fails: a check that
// cannot fail proves nothing.
func TestExplorationFindsEachBug(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, file, old, new, finds string }{
		{"S2: the id of a failed Create is used again", "create.go", "\t\tid = newID()\n", "\t\tif id == \"\" {\n\t\t\tid = newID()\n\t\t}\n", "TestExploreEveryInterleaving/1i"},
		{"S2: a Create may be resent", "explore_test.go", `return c.Op != "Create" ||`, `return c.Op != "" ||`, "TestExploreEveryInterleaving/1i"},
		{"S3: the draft is laid over what another wrote", "commit.go", "if err := d.replay(found, s.ops); err != nil {", "if err := d.replay(s.rec, s.ops); err != nil {", "TestExploreEveryInterleaving/2"},
		{"S3: the log-in is not compared", "commit.go", "if !s.rec.sameIdentity(found) {", "if false {", "TestExploreEveryInterleaving/5"},
		{"S4: the own revision is not looked for", "commit.go", "if found.own.has(rev) {", "if false {", "TestExploreEveryInterleaving/2"},
		{"S5: the old record is ended whatever it holds", "move.go", "s.m.end(ctx, s.id, (*before).data, next,", "s.m.end(ctx, s.id, nil, next,", "TestExploreEveryInterleaving/2"},
		{"S6: a renewal goes on though the old record is gone", "move.go", "case !s.plan.credentials():", "case false:", "TestExploreEveryInterleaving/1"},
		{"S6: a log-in carries another guard's log-in that may have ended", "move.go", "*before = new(record)\n\t\t\treturn \"\", errAgain", "return \"\", nil", "TestExploreEveryInterleaving/1k"},
		{"S6: the application's word is worth credentials", "slots.go", "if !l.Renews {\n\t\tw.proved", "if true {\n\t\tw.proved", "TestExploreEveryInterleaving/1m"},
		{"S7: no pointer is left", "move.go", "\t\t\tnext = newID\n", "\t\t\tnext = newID[:0]\n", "TestExploreEveryInterleaving/1"},
		{"S8: log-out does not follow", "end.go", "if err != nil || next == \"\" {\n\t\t\treturn false, err", "if err != nil || next != \"-\" {\n\t\t\treturn false, err", "TestExploreEveryInterleaving/1"},
		{"S8: log-out of one guard follows one move only", "move.go", "if id, err = s.m.endForGood(ctx, id, nil); err != nil {", "if id = id[:0]; err != nil {", "TestExploreEveryInterleaving/1l"},
		{"S8: only the id in use is ended", "end.go", "if err := s.endPresented(ctx, s.id); err != nil || s.id == \"\" {\n\t\treturn false, err", "if s.id == \"\" {\n\t\treturn false, nil", "TestS8"},
		{"S9: the index comes before the record", "labels.go", "if rec == nil {\n\t\t\t\tm.unindex", "if rec != nil {\n\t\t\t\tm.unindex", "TestS9"},
		{"S10: one listing is enough", "labels.go", "for range maxListings {", "for range 1 {", "TestS10|TestExploreEveryInterleaving/4"},
		{"S11: a revoked log-in may be replaced", "slots.go", "s.gone = ErrSessionEnded // nothing", "// nothing", "TestS11"},
		{"S12: a refresh that fails is an error", "commit.go", "\t\ts.refresh(ctx)\n\t\treturn s.reissue()", "\t\ts.draft = new(draft)\n\t\ts.draft.reset(s.rec)\n\t\treturn s.commitUpdate(ctx)", "TestS12"},
		{"S14: renewal starts the limit anew", "draft.go", "d.born = r.own.born", "d.born = 0", "TestS1_|TestS14"},
	} {
		t.Run(row.name, func(t *testing.T) {
			source := filepath.Join(dir, row.file)
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(text), row.old) != 1 {
				t.Fatalf("%s has %d places like %q, want 1", row.file, strings.Count(string(text), row.old), row.old)
			}
			broken := filepath.Join(t.TempDir(), row.file)
			if err := os.WriteFile(broken, []byte(strings.Replace(string(text), row.old, row.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay := broken + ".json"
			list, err := json.Marshal(map[string]any{"Replace": map[string]string{source: broken}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, list, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "go", "test", "-overlay="+overlay, "-run="+row.finds, "-timeout=5m", ".").CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("without the rule %s still passes", row.finds)
			case strings.Contains(string(out), "[build failed]") || !strings.Contains(string(out), "--- FAIL"):
				t.Errorf("the copy did not run: %s", out)
			}
		})
	}
}
