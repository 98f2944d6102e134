package session

import (
	"time"
	"unsafe"
)

// DecodeRecord reads data as the load of a session does.
func DecodeRecord(data []byte) error {
	var r record
	return r.parse("ID", data)
}

// EncodeRecord is DecodeRecord, and then what the commit of a changed value writes.
func EncodeRecord(m *Manager, data []byte, key string, value []byte) error {
	var r record
	if err := r.parse("ID", data); err != nil {
		return err
	}
	var d draft
	d.reset(&r)
	d.obj.Set(key, value)
	_, err := m.encode(&d, "ID", &r.own, newRev(), time.UnixMilli(r.own.seen).Add(time.Second))
	return err
}

// RequestSize is what a request's state takes before the allocator adds to it.
const RequestSize = unsafe.Sizeof(request{})
