package importer

import (
	"testing"

	"github.com/agrichat/agrichat/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
