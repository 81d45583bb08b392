package irc

import (
	"testing"

	"github.com/agrichat/agrichat/producers/producertest"
)

func TestDefinition(t *testing.T) {
	t.Parallel()
	producertest.Definition(t, Definition())
}
