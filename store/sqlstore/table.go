package sqlstore

import (
	"bytes"
	"fmt"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// table is how a layout stores records: its words in statements, and how ids and records become values.
type table struct {
	words  map[string]string   // {match} and the like, see layouts
	create string              // inserts id and new for ttl, unless there is a live record
	update string              // sets new for ttl; its WHERE is added later
	remove func(*Store) string // removes the record of id
	ender  func(*Store) ender
	maxID  int

	pack   func(data []byte) any // nil is an empty record
	unpack func(data []byte) []byte
	ids    func(id string) bool // if not nil, reports whether an id is allowed
}

// valid reports whether id may name a session in this table.
func (t *table) valid(id string) bool {
	return contract.ValidID(id) && len(id) <= t.maxID && (t.ids == nil || t.ids(id))
}

func (t *table) badID() error {
	if t.maxID == contract.MaxID && t.ids == nil {
		return contract.ErrBadID
	}
	return fmt.Errorf("%w, or is none that the table can hold, of %d bytes at most without a blank at its end", contract.ErrBadID, t.maxID)
}

// ownTable returns the table of our own layout.
func ownTable(d Dialect, prefix string) table {
	w := dialects[d]
	t := table{
		words: map[string]string{
			"{sessions}": w.quoted(prefix + "sessions"),
			"{id}":       "id",
			"{match}":    "id=:id",
			"{same}":     "data=:old",
			"{live}":     "expires>{now}",
			"{read}":     "data",
			"{noted}":    "until>{now}",
			"{rownoted}": "until>{now}",
			"{moved}":    "until>{now} AND note<>'-'",
		},
		update: "UPDATE {sessions} SET data=:new, expires={now}+:ttl, gone={greatest}({now}+:ttl,until)",
		remove: func(s *Store) string {
			return "UPDATE {sessions} AS s SET data={empty}, expires=" + s.over() + ", gone=until WHERE id=:id" + s.andTell(wasLive)
		},
		ender:  newInRow,
		maxID:  contract.MaxID,
		pack:   packBytes,
		unpack: unpackBytes,
	}
	const row = "INSERT INTO {sessions} %s(id,data,expires,note,until,gone) VALUES (:id,:new,{now}+:ttl,'',0,{now}+:ttl) "
	if w.returns {
		t.create = fmt.Sprintf(row, "AS s ") + `ON CONFLICT (id) DO UPDATE SET
data=excluded.data, expires=excluded.expires, gone={greatest}(excluded.gone,s.until) WHERE s.expires<={now}`
	} else {
		// MySQL assigns from left to right. The first assignment only sets LAST_INSERT_ID: 2 for a live row.
		t.create = fmt.Sprintf(row, "") + `ON DUPLICATE KEY UPDATE
until=IF(LAST_INSERT_ID(IF(expires>{now},2,1))=0,until,until),
data=IF(expires>{now},data,VALUES(data)),
gone=IF(expires>{now},gone,GREATEST(VALUES(gone),until)),
expires=IF(expires>{now},expires,VALUES(expires))`
	}
	return t
}

func packBytes(data []byte) any {
	if data == nil {
		return []byte{} // a nil slice would be NULL
	}
	return bytes.Clone(data) // f of try may still run when the call has returned
}

func unpackBytes(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
