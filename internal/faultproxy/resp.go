package faultproxy

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
)

// readCommand reads one command: an array of bulk strings.
func readCommand(in *bufio.Reader) (raw []byte, c Command, err error) {
	var buf bytes.Buffer
	line, err := readLine(in, &buf)
	if err != nil {
		return nil, nil, err
	}
	n, err := count(line, '*')
	if err != nil {
		return nil, nil, err
	}
	for range n {
		if line, err = readLine(in, &buf); err != nil {
			return nil, nil, err
		}
		size, err := count(line, '$')
		if err != nil {
			return nil, nil, err
		}
		start := buf.Len()
		if _, err := io.CopyN(&buf, in, int64(size)+2); err != nil {
			return nil, nil, err
		}
		c = append(c, string(buf.Bytes()[start:start+size]))
	}
	return buf.Bytes(), c, nil
}

// readReply reads one reply of RESP2 or RESP3. push is true for one that answers no command.
func readReply(in *bufio.Reader) (raw []byte, push bool, err error) {
	var buf bytes.Buffer
	push, err = readValue(in, &buf)
	return buf.Bytes(), push, err
}

func readValue(in *bufio.Reader, buf *bytes.Buffer) (push bool, err error) {
	line, err := readLine(in, buf)
	if err != nil {
		return false, err
	}
	var n, children int
	switch line[0] {
	case '+', '-', ':', '_', '#', ',', '(':
		return false, nil
	case '$', '=', '!':
		if n, err = strconv.Atoi(string(line[1:])); err == nil && n >= 0 {
			_, err = io.CopyN(buf, in, int64(n)+2)
		}
		return false, err
	case '*', '~', '>':
		children = 1
	case '%', '|':
		children = 2
	default:
		return false, errProtocol
	}
	if n, err = strconv.Atoi(string(line[1:])); err != nil {
		return false, err
	}
	for range max(n, 0) * children {
		if _, err := readValue(in, buf); err != nil {
			return false, err
		}
	}
	if line[0] == '|' { // attributes come before the value to which they belong
		return readValue(in, buf)
	}
	return line[0] == '>', nil
}

// readLine reads a line, adds it to buf, and returns it without its end.
func readLine(in *bufio.Reader, buf *bytes.Buffer) ([]byte, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	buf.Write(line)
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 {
		return nil, errProtocol
	}
	return line, nil
}

// count reads the number on a line that begins with kind.
func count(line []byte, kind byte) (int, error) {
	if line[0] != kind {
		return 0, errProtocol
	}
	n, err := strconv.Atoi(string(line[1:]))
	if err != nil || n < 0 {
		return 0, errProtocol
	}
	return n, nil
}
