package store

import (
	"container/heap"
	"time"
)

// expiring is a map whose entries expire. It has no lock and no goroutine: an expired entry is invisible at
// once, and its memory is freed when sweep finds it at the head of the queue.
type expiring[V any] struct {
	entries map[string]*entry[V]
	queue   queue[V]
}

type entry[V any] struct {
	key   string
	value V
	end   int64 // Unix time in nanoseconds; invisible from then on
	at    int   // index in the queue
}

func newExpiring[V any]() expiring[V] { return expiring[V]{entries: map[string]*entry[V]{}} }

// get returns the live entry of key, or nil.
func (x *expiring[V]) get(key string, now time.Time) *entry[V] {
	if e := x.entries[key]; e != nil && e.end > now.UnixNano() {
		return e
	}
	return nil
}

// set stores value under key, in place of an older entry, and reports whether there was no entry, neither a
// live nor an expired one. It keeps the string key as it is.
func (x *expiring[V]) set(key string, value V, end time.Time) (added bool) {
	if e := x.entries[key]; e != nil {
		x.move(e, value, end)
		return false
	}
	e := &entry[V]{key: key, value: value, end: end.UnixNano()}
	x.entries[key] = e
	heap.Push(&x.queue, e)
	return true
}

// move gives the entry e a new value and a new end.
func (x *expiring[V]) move(e *entry[V], value V, end time.Time) {
	e.value, e.end = value, end.UnixNano()
	heap.Fix(&x.queue, e.at)
}

// remove removes key and reports whether there was an entry, live or expired.
func (x *expiring[V]) remove(key string) bool {
	e := x.entries[key]
	if e == nil {
		return false
	}
	delete(x.entries, key)
	heap.Remove(&x.queue, e.at)
	return true
}

// sweep removes at most limit expired entries, and returns how many.
func (x *expiring[V]) sweep(now time.Time, limit int) int {
	n := 0
	for ; n < limit && len(x.queue) > 0 && x.queue[0].end <= now.UnixNano(); n++ {
		delete(x.entries, x.queue[0].key)
		heap.Pop(&x.queue)
	}
	return n
}

// queue is a heap of entries, the one that ends first at the head.
type queue[V any] []*entry[V]

func (q queue[V]) Len() int           { return len(q) }
func (q queue[V]) Less(i, j int) bool { return q[i].end < q[j].end }
func (q queue[V]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

func (q *queue[V]) Push(e any) {
	n := e.(*entry[V])
	n.at = len(*q)
	*q = append(*q, n)
}

func (q *queue[V]) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil // free the entry's memory
	*q = old[:len(old)-1]
	return last
}
