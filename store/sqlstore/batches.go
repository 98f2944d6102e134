package sqlstore

import (
	"context"
	"slices"

	"github.com/seed-6f34412b/passport/store/internal/together"
)

// batches reads the records that are asked for at the same moment by one SELECT.
type batches struct {
	db    *database
	many  many
	load  together.Load
	calls *together.Batches[asked]
}

// asked is a read that waits for its batch.
type asked struct {
	id   string
	data []byte // nil if the batch failed, or did not find it
}

func newBatches(d *database, rowSeen string) *batches {
	b := &batches{db: d, many: newMany(d, rowSeen), load: together.Load{From: together.From}}
	b.calls = together.New(b.exec)
	return b
}

// get returns the record of id as it is stored, read together with others, or nil. The caller then reads it
// alone. So an error is always that of a read's own statement and context, and a batch never says that there
// is no record.
func (b *batches) get(ctx context.Context, id string) []byte {
	call := together.NewCall(ctx, asked{id: id})
	if err := b.calls.Wait(ctx, call); err != nil {
		return nil
	}
	return call.Asked.data
}

// exec reads a batch. Two calls may ask for the same id; each gets bytes of its own.
func (b *batches) exec(ctx context.Context, batch []*together.Call[asked]) {
	ids := make([]string, len(batch))
	for i, call := range batch {
		ids[i] = call.Asked.id
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if b.db.words.blocks {
		growStack(0)
	}
	there, err := b.many.get(b.many.gets[0].unwatched(ctx), b.db, ids)
	if err != nil {
		return
	}
	for _, call := range batch {
		call.Asked.data = slices.Clone(there[call.Asked.id])
	}
}
