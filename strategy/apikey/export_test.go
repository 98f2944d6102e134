package apikey

// Remembered returns how many uses s remembers.
func Remembered[U any](s *Strategy[U]) int {
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	return len(s.usage.stored)
}
