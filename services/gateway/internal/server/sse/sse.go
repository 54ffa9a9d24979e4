// Package sse words server-sent events, as the HTML standard has them.
package sse

import "bytes"

// MediaType is that of a stream of such events.
const MediaType = "text/event-stream"

// Event answers one event with its end. The id, where it is not empty, is what a reader
// that comes back shows as Last-Event-ID; the kind is "message" where it is empty. Neither
// holds a line break; data is told line by line.
func Event(id, kind string, data []byte) []byte {
	var b bytes.Buffer
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	if kind != "" {
		b.WriteString("event: " + kind + "\n")
	}
	for line := range bytes.Lines(data) {
		b.WriteString("data: ")
		b.Write(bytes.TrimRight(line, "\r\n"))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return b.Bytes()
}
