package engine

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed clickhouse.xml
var clickHouseXML []byte

// writeConfig puts the engine's own settings beside its data, and returns where. They belong to the engine and not to
// schemas/clickhouse: a server of a team has its own.
func writeConfig(cfg childConfig) (string, error) {
	name := filepath.Join(filepath.Dir(cfg.Path), "clickhouse.xml")
	if err := os.WriteFile(name, clickHouseXML, 0o600); err != nil {
		return "", fmt.Errorf("writing the settings of ClickHouse: %w", err)
	}
	return name, nil
}
