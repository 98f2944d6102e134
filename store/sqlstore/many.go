package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// sizes are the numbers of ids for which there are statements. If there are fewer ids, the last one is
// repeated.
var sizes = []int{1, 8, 16, 32, 128, 300}

const largest = 300

// many has a SELECT of many records for each of sizes.
type many struct{ gets []*statement }

func newMany(d *database, rowSeen string) (m many) {
	for _, n := range sizes {
		words, params := list("id", n)
		m.gets = append(m.gets, d.read(params, "SELECT {id}, {read} FROM {sessions} WHERE {id} IN ("+words+") AND {live}"+rowSeen))
	}
	return m
}

// GetMany implements [session.Batch]. It is one SELECT for each 300 ids, of the primary.
func (s *Store) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	if err := ctxError(ctx, "get many"); err != nil {
		return nil, err
	}
	there := map[string][]byte{}
	for part := range slices.Chunk(s.validOf(ids), largest) {
		found, err := try(ctx, s.database, "get many", func() (map[string][]byte, error) { return s.many.get(ctx, s.database, part) })
		if err != nil {
			return nil, err
		}
		maps.Copy(there, found)
	}
	records := make([][]byte, len(ids))
	for i, id := range ids {
		if data, ok := there[id]; ok {
			records[i] = s.table.unpack(slices.Clone(data))
		}
	}
	return records, nil
}

// get returns the records of ids, of which there is at least one, that are there.
func (m many) get(ctx context.Context, d *database, ids []string) (map[string][]byte, error) {
	at := slices.IndexFunc(sizes, func(n int) bool { return n >= len(ids) })
	ids = append(slices.Clip(ids), slices.Repeat(ids[len(ids)-1:], sizes[at]-len(ids))...)
	there := map[string][]byte{}
	err := m.gets[at].each(ctx, nil, d.valuesOfRead(ids...), func(rows *sql.Rows) error {
		var id string
		var data []byte
		err := rows.Scan(&id, &data)
		there[id] = data
		return err
	})
	return there, err
}

// validOf returns the valid ones of ids, sorted and without duplicates. Since all calls use the same order,
// they cannot deadlock.
func (s *Store) validOf(ids []string) []string {
	var list []string
	for _, id := range ids {
		if s.table.valid(id) {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// EndMany implements [session.Batch]. It is one or two statements, or one transaction, for each 300 ids.
func (s *Store) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	if err := ctxError(ctx, "end many"); err != nil {
		return nil, err
	}
	_, life, _ = contract.Note("", life, s.tombstones) // no error: only a successor can be refused
	notes := map[string]string{}
	for part := range slices.Chunk(s.validOf(ids), largest) {
		there, err := try(ctx, s.database, "end many", func() (map[string]string, error) {
			return s.ender.endMany(ctx, part, life.Milliseconds())
		})
		if err != nil {
			return nil, err
		}
		maps.Copy(notes, there)
	}
	successors := make([]string, len(ids))
	for i, id := range ids {
		successors[i] = contract.Successor(notes[id])
	}
	return successors, nil
}
