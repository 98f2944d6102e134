package store

// Held returns how many records and notes m holds, live or expired.
func Held(m *MemoryStore) int { return int(m.held.Load()) }

// HeldLabels returns how many labels m holds, live or expired.
func HeldLabels(m *MemoryStore) int { return len(m.labels.sets.entries) }
