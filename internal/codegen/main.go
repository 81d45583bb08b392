// Program codegen writes the code that follows from the declarations of events, facts and rows: the JSON codecs of internal/event and
// internal/fact, the merging of messages, the hash of facts, the columns of both databases and the queries over them. A struct and its
// tags are the one declaration; what is generated is committed, so that it can be read, searched and debugged, and a test compares it
// with what the program would write now.
//
// It promises that equal declarations give equal files. It reads source text only: it resolves no imports and runs nothing. What does
// not follow from a declaration stays by hand: strings, escapes and numbers of JSON, hooks of single fields, the rows of events.
//
// "go generate ./internal/codegen" writes the files.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ../..

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: codegen ROOT")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "codegen:", err)
		os.Exit(1)
	}
}

// write replaces the generated files below root that differ.
func write(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, want := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if have, err := os.ReadFile(path); err == nil && string(have) == string(want) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("writing a generated file: %w", err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			return fmt.Errorf("writing a generated file: %w", err)
		}
	}
	return nil
}

// sources are the packages whose declarations are read.
func sources() []string {
	return []string{"internal/event", "internal/fact", "consumers/aggregate", "consumers/normalise/projection"}
}

// generate returns every generated file by its path below root.
func generate(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, step := range []func(root string, files map[string][]byte) error{eventCodec, factCodec, analytics, postgres} {
		if err := step(root, files); err != nil {
			return nil, err
		}
	}
	return files, nil
}
