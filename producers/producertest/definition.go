package producertest

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/agrichat/agrichat/producers"
)

// Definition checks that a definition says all that the rest of the house needs, and that its sample makes a source.
func Definition(t *testing.T, def producers.Definition) {
	t.Helper()
	if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(string(def.Name)) {
		t.Errorf("name %q: it becomes part of subjects and metrics, so small letters and digits only", def.Name)
	}
	if def.Title == "" || def.Doc == "" {
		t.Errorf("title %q or doc %q is empty", def.Title, def.Doc)
	}
	if def.Can.Archive != (def.Archive != nil) || def.Can.Archive != (def.Recognise != nil) {
		t.Errorf("abilities say archive=%v, the functions say otherwise", def.Can.Archive)
	}
	if def.Can.Live != (def.Live != nil) || def.Can.Live != (def.Sample != "") {
		t.Errorf("abilities say live=%v, the function or the sample says otherwise", def.Can.Live)
	}
	if def.Recognise != nil {
		Foreign(t, def, File("empty", nil), File("zeros.bin", make([]byte, 512)))
	}
	if def.Live != nil {
		live(t, def)
	}
}

func live(t *testing.T, def producers.Definition) {
	t.Helper()
	if _, err := def.Live(decoder(def.Sample)); err != nil {
		t.Errorf("the sample configuration makes no source: %v", err)
	}
	if _, err := def.Live(decoder(def.Sample + "\nno_such_key: 1\n")); err == nil {
		t.Error("a key that does not exist is taken")
	}
}

func decoder(text string) func(any) error {
	return func(into any) error {
		d := yaml.NewDecoder(bytes.NewBufferString(text))
		d.KnownFields(true)
		if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
}
