// Package event holds the JSON Schemas of the envelope and of our line format, and envelopes that must always decode.
package event

import "embed"

// FS holds envelope.schema.json, jsonl.schema.json, jsonl.md and golden/*.json.
//
//go:embed *.json *.md golden/*.json
var FS embed.FS
