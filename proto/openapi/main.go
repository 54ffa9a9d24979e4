// Command openapi makes one OpenAPI 3.1 document of those that
// protoc-gen-openapiv3 writes for each .proto file, and adds what the generator
// cannot know: how callers prove who they are, what errors look like, which
// headers the gateway understands, and the calls that it answers itself.
//
//	openapi -in bin/openapi -proto proto/lingkar -out proto/gen/openapi/lingkar.json
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	in := flag.String("in", "", "directory of the generated documents")
	protos := flag.String("proto", "", "directory of the .proto files")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := run(*in, *protos, *out); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run(in, protos, out string) error {
	names, err := readVariables(os.DirFS(protos))
	if err != nil {
		return err
	}
	doc, err := newDocument()
	if err != nil {
		return err
	}
	parts, err := readParts(os.DirFS(in))
	if err != nil {
		return err
	}
	nameApart(parts)
	for _, part := range parts {
		if err := doc.add(part.object, names); err != nil {
			return err
		}
	}
	doc.finish()
	return write(out, doc.object)
}

func readParts(dir fs.FS) ([]part, error) {
	var parts []part
	err := eachFile(dir, ".json", func(path string, data []byte) error {
		p := part{area: strings.Split(path, "/")[1]} // lingkar/<area>/v1/…
		if err := json.Unmarshal(data, &p.object); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		parts = append(parts, p)
		return nil
	})
	return parts, err
}

// write leaves the file alone where nothing changed, so that what is made of it
// needs no remaking either.
func write(out string, doc object) error {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(doc); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	if old, err := os.ReadFile(out); err == nil && bytes.Equal(old, data.Bytes()) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(out, data.Bytes(), 0o644)
}

func eachFile(dir fs.FS, suffix string, do func(path string, data []byte) error) error {
	return fs.WalkDir(dir, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, suffix) {
			return err
		}
		data, err := fs.ReadFile(dir, path)
		if err != nil {
			return err
		}
		return do(path, data)
	})
}
