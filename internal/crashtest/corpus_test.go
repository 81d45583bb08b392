package crashtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How much there is: some four thousand events, which small batches bring past every point dozens of times, and which
// take a second or two.
const (
	groupMessages   = 900
	privateMessages = 400
	linesFiles      = 6
	linesMessages   = 65 // a file; with what happens to them, four times as many lines
)

// corpus is the input and what must come of it.
type corpus struct {
	files []string // in the order in which chains of deaths take one more each time
	model *model
}

// writeCorpus writes the files. They are the same each time.
func writeCorpus(dir string) (*corpus, error) {
	c := &corpus{model: newModel()}
	random := rand.New(rand.NewPCG(19, 84))
	var files []file
	files = append(files, telegramFiles(c.model, random)...)
	files = append(files, linesOf(c.model, random)...)
	for _, f := range files {
		name := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, fmt.Errorf("writing the input: %w", err)
		}
		if err := os.WriteFile(name, f.content, 0o644); err != nil {
			return nil, fmt.Errorf("writing the input: %w", err)
		}
		c.files = append(c.files, name)
	}
	return c, nil
}

type file struct {
	name    string
	content []byte
}

// began is when the first message was written.
func began() time.Time { return time.Date(2024, 5, 1, 6, 0, 0, 0, time.UTC) }

// sentence makes a text of both scripts.
func sentence(random *rand.Rand) string {
	words := strings.Fields("грядка помидоры завтра вода лейка теплица спасибо garden water seeds tomorrow thanks 🌱 «ладно»")
	n := 2 + random.IntN(12)
	out := make([]string, n)
	for i := range out {
		out[i] = words[random.IntN(len(words))]
	}
	return strings.Join(out, " ")
}
