//go:build integration

package protocol_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/internal/ablate"
)

// TestExplorationFindsEachBug removes one rule at a time from a copy of the code and checks that the
// exploration, or the rule's own test, then fails: a check that cannot fail proves nothing. With no rule
// removed, the copy must pass.
func TestExplorationFindsEachBug(t *testing.T) {
	t.Parallel()
	const explore = "TestExploreEveryInterleaving/"
	rows := []ablate.Row{
		{"S2: the id of a failed Create is used again", "create.go", "\tfor tries := 1; ; tries++ {\n\t\tid := randomText(idBytes) + string(binding)\n", "\tid := randomText(idBytes) + string(binding)\n\tfor tries := 1; ; tries++ {\n", explore + "1i"},
		{"S2: a Create may be resent", "explore_test.go", `return c.Op != "Create" &&`, `return c.Op != "" &&`, explore + "1i"},
		{"S3: the draft is laid over what another wrote", "update.go", "if d, err = v.replay(found); err != nil {", "if d, err = v.replay(v.base); err != nil {", explore + "2a_three"},
		{"S3: the log-in is not compared", "update.go", "if !v.base.SameIdentity(found, v.p.guardKeys()...) {", "if false {", explore + "5"},
		{"S4: the own revision is not looked for", "update.go", "if v.skipDone(found); len(v.plan.ops) == 0 {", "if false {", explore + "2d_two"},
		{"S5: the old record is ended whatever it holds", "rotate.go", "v.p.end(ctx, v.ID, r.before.Bytes(), next,", "v.p.end(ctx, v.ID, nil, next,", explore + "2b"},
		{"S6: a renewal goes on though the old record is gone", "rotate.go", "if !proved {\n\t\t\t\treturn false, v.p.Ended", "if !proved {\n\t\t\t\treturn false, nil", explore + "1c_log-out,_a_renewal$"},
		{"S6: a log-in carries another guard's log-in that may have ended", "rotate.go", "r.before = new(record.Record)\n\t\t\treturn true, nil", "return false, nil", explore + "1k"},
		{"S6: the application's word is worth credentials", "plan.go", "if !l.Renews {\n\t\tv.plan.proved", "if true {\n\t\tv.plan.proved", explore + "1q"},
		{"S6: a log-in that Node made beside ours is carried as a value", "rotate.go", "time.Now(), r.v.p.guardKeys()...)", "time.Now())", explore + "1r"},
		{"S7: no note is left", "rotate.go", "\t\t\tnext = r.made.id\n", "\t\t\tnext = r.made.id[:0]\n", explore + "1c_log-out,_a_renewal$"},
		{"S8: a log-out does not follow", "end.go", "if err == nil && next != \"\" {", "if false {", explore + "1c_log-out,_a_renewal$"},
		{"S8: an end follows one move only", "end.go", "err != nil || id == \"\" {\n\t\t\treturn err", "err != nil || id != \"-\" {\n\t\t\treturn err", explore + "1f"},
		{"S8: the log-out of one guard does not follow", "end.go", "if err := v.p.endChain(ctx, v.ID, &spared{leaving: leaving}); err != nil {", "if false {", explore + "1l_log-out_of_one_guard,_two_renewals$"},
		{"S8: only the id in use is ended", "end.go", "for _, p := range v.presented {", "for _, p := range v.presented[:0] {", "TestS8"},
		{"S8: the log-out of one guard ends the other's log-in", "end.go", "if len(spare.leaving) > 0 {", "if false {", explore + "1n"},
		{"S8: the last of two log-outs in one request counts", "plan.go", "leaving = append(slices.Clip(leaving), key)", "leaving = []string{key}", explore + "1m"},
		{"S8: a log-in after a log-out ends nothing more", "rotate.go", "busy = busy[:1]", "busy = busy[:2]", explore + "1o"},
		{"S8: a log-in that Node made beside ours is no guard's", "../record/draft.go", "d.slots = r.Slots(guards...)", "d.slots = r.Slots()", "TestALogInThatNode"},
		{"S9: the index comes before the record", "labels.go", "if rec == nil {", "if rec != nil {", explore + "4c"},
		{"S9: a session that Node logged in to is not found after another guard's log-out", "update.go", "due {\n\t\t\t\tp.reindex(ctx, id", "due && false {\n\t\t\t\tp.reindex(ctx, id", "TestS9_WhatGoWrites"},
		{"S7: a renewal ends the old record at once, without a note", "rotate.go", "len(plan.proved) == 0 || len(plan.stored) > 0 || r.carriesUnproved()", "len(plan.stored) > 0", explore + "1c_log-out,_a_renewal,_at_once"},
		{"S7: a log-in that carries another guard's ends the old record at once", "rotate.go", "len(plan.stored) > 0 || r.carriesUnproved()", "len(plan.stored) > 0", explore + "1k.*at_once"},
		{"S2: a log-in may be resent", "explore_test.go", `c.Op != "CreateIndexed" ||`, `c.Op != "" ||`, explore + "1i.*at_once"},
		{"S5: what ends with a log-in is not compared", "scripted_test.go", "Old: n.OldData,", "Old: nil,", explore + "2b.*at_once"},
		{"S5: the old record is taken for ended where it was changed", "create.go", "made.indexed = err == nil", "made.indexed, made.oldEnded = err == nil, err == nil", explore + "(2b|3a).*at_once"},
		{"S8: an answer that is lost is taken for the end", "end.go", "successor, err = p.joint.EndIndexed(ctx, id, max(life, 0), labels)", "successor, _ = p.joint.EndIndexed(ctx, id, max(life, 0), labels)\n\t\terr = nil", explore + "1a.*at_once"},
		{"S10: one listing is enough", "labels.go", "if err != nil || listed == 0 {", "if listed >= 0 {", explore + "4b_destroy_by_label,_a_renewal,_a_store"},
		{"S10: many that end at once are not followed", "batch.go", "if next[i] != \"\" && (e.follows == nil || e.follows(next[i])) {", "if false {", explore + "4b_one_listing"},
		{"S10: an answer that is lost is taken for the end of many", "batch.go", "errors.ErrUnsupported) || tries == outageTries", "errors.ErrUnsupported) {\n\t\t\treturn nil, err\n\t\t} else if err != nil {\n\t\t\treturn make([]string, len(ids)), nil\n\t\t} else if tries == outageTries", explore + "4b_one_listing,_a_fault.*at_once"},
		{"S11: a revoked log-in may be replaced", "plan.go", "v.finish(v.p.Ended) // nothing", "// nothing", "TestS11"},
		{"S12: a refresh that fails is an error", "commit.go", "return v.refresh(ctx), nil", "return v.refresh(ctx), errUnfinished", "TestS12"},
		{"S13: a stale read replaces a live session", "create.go", "if err := v.stillNobody(ctx); err != nil {", "if false {\n\t\t\tvar err error", explore + "3f"},
		{"S14: a renewal starts the limit anew", "../record/draft.go", "*d = Draft{Born: r.notes.born}", "*d = Draft{}", "TestS14"},
		{"S19: a new id does not keep the key", "rotate.go", "binding = devicebound.Of(v.ID)", "binding = devicebound.Of(\"\")", explore + "6d"},
		{"S19: what is not proved is found all the same", "load.go", "case found && p.unproved:", "case false:", "TestS19"},
		{"S19: the id before is followed for ever", "bind.go", "since.IsZero() || age >= v.p.Grace", "since.IsZero() || age < 0", "TestS19"},
		{"streams: nobody asks where a session went on", "look.go", "next, err = w.p.successor(", "_, err = w.p.successor(", explore + "9c_a_stream,_a_renewal,_a_fault"},
		{"streams: the clock looks at nothing", "look.go", "w.beginLook(slices.Collect(maps.Values(w.sessions)))", "w.beginLook(nil)", explore + "9b"},
		{"streams: that a log-in was taken out of a session is not told", "watch.go", "if n, ok := p.Store.(ChangeNotifier); ok {", "if n, ok := p.Store.(ChangeNotifier); ok && n == nil {", explore + "9i"},
		{"S17: an end reads a replica", "protocol.go", "if p.master != nil {", "if false {", explore + "1n"},
	}
	copied := ablate.Build(t, ".", rows)
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		if out, passed := copied.Run(t, -1, "."); !passed {
			t.Errorf("with every rule in place the tests fail:\n%s", out)
		}
	})
	for i, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			if _, passed := copied.Run(t, i, row.Finds, "-deep", "-test.failfast"); passed {
				t.Errorf("without the rule %s still passes", row.Finds)
			}
		})
	}
}
