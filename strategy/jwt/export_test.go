package jwt

// Parse parses a token and encodes it again, for the fuzz test.
func Parse(text string) (again string, err error) {
	t, err := parseToken(text, len(text), nil)
	if err != nil {
		return "", err
	}
	return t.signed + "." + encodePart(t.signature), nil
}
