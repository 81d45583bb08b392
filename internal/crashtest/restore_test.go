package crashtest

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/testenv"
)

// restoreRuns is how many restores an ordinary run makes.
const restoreRuns = 3

// restoreKinds is what is put back, and whether the workers go on meanwhile. Without folders both are removed.
func restoreKinds() []restore {
	return []restore{
		{folders: []string{"nats"}},
		{folders: []string{"postgres"}, running: true},
		{folders: []string{"nats", "postgres"}},
		{},
		{folders: []string{"nats"}, running: true},
		{folders: []string{"postgres"}},
		{folders: []string{"nats", "postgres"}, running: true},
	}
}

// A copy of the bus, of the database or of both is put back at random moments while files are imported, or both are removed and
// ClickHouse stays. When all files have been imported again every event is stored once, and the stores are equal without a repair.
// RESTORE_RUNS sets the number of restores; RESTORE_SEED repeats one.
func TestRestore(t *testing.T) {
	t.Parallel()
	runs, seed := restoreRuns, uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("RESTORE_SEED"), 10, 64); err == nil {
		runs, seed = 1, n
	}
	if n, err := strconv.Atoi(os.Getenv("RESTORE_RUNS")); err == nil {
		runs = n
	}
	undisturbed(t)
	for i := range uint64(runs) {
		t.Run(fmt.Sprintf("RESTORE_SEED=%d", seed+i), func(t *testing.T) {
			t.Parallel()
			kinds := restoreKinds()
			r := kinds[(seed+i)%uint64(len(kinds))] // seeds follow each other, so that few runs are of different kinds
			r.house, r.random = newHouse(t), rand.New(rand.NewPCG(seed+i, 1))
			r.copies = filepath.Join(t.TempDir(), "copies")
			r.random.Shuffle(len(r.folders), func(i, j int) { r.folders[i], r.folders[j] = r.folders[j], r.folders[i] })
			t.Logf("%v, running: %v", r.folders, r.running)
			if r.running {
				r.runUnderWorkers()
			} else {
				r.runStopped()
			}
		})
	}
}

// restore is one house whose folders are put back.
type restore struct {
	*house
	folders []string
	running bool
	copies  string
	random  *rand.Rand
}

// runStopped puts the folders back while nothing runs.
func (r *restore) runStopped() {
	r.Helper()
	for _, folder := range r.folders {
		r.traffic()
		r.copy(folder)
	}
	r.traffic()
	for _, folder := range r.folders {
		r.putBack(folder)
	}
	if len(r.folders) == 0 {
		r.remove("nats")
		r.remove("postgres")
	}
	if r.random.IntN(2) == 0 {
		r.traffic() // it may die while it recovers
	}
	u := r.up()
	r.imports(input(r.T).files)
	r.proves()
	u.stop()
}

// traffic imports some of the files and stops everything: at the end of the import, or in the middle of it as by kill -9.
func (r *restore) traffic() {
	r.Helper()
	files, at := r.someFiles(), ""
	if r.random.IntN(3) > 0 {
		p := points()
		at = fmt.Sprint(p[r.random.IntN(len(p))], ":", 1+r.random.IntN(20))
	}
	p := r.start(at, importOf(files)...)
	switch killed := p.killed(); {
	case killed && at != "":
		r.endLeftover()
		r.Logf("%d files, killed at %s", len(files), at)
	case p.wait() != 0:
		r.Fatalf("%v: %v\n%s%s", p.cmd.Args[1:], p.cmd.ProcessState, p.out.text(), p.err.text())
	default:
		r.Logf("%d files", len(files))
	}
}

// endLeftover ends the PostgreSQL that a killed program has left behind: a folder is copied as it is where nothing runs.
func (r *restore) endLeftover() {
	r.Helper()
	file := filepath.Join(append([]string{r.data}, postmaster()...)...)
	if _, err := os.Stat(file); err != nil {
		return // it died before it started one
	}
	if err := syscall.Kill(r.child(postmaster()...), syscall.SIGINT); errors.Is(err, syscall.ESRCH) {
		return
	} else if err != nil {
		r.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); time.Now().Before(limit); <-tick.C {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
	r.Fatal("PostgreSQL does not end")
}

func (r *restore) someFiles() []string {
	files := slices.Clone(input(r.T).files)
	r.random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	return files[:1+r.random.IntN(3)]
}

// runUnderWorkers has bus and database outside the program, and puts them back beneath it.
func (r *restore) runUnderWorkers() {
	r.Helper()
	servers := testenv.Restartable(r.T, r.data)
	r.environ = append(r.environ, "AGRICHAT_NATS_URLS="+servers["nats"].URL, "AGRICHAT_POSTGRES_DSN="+servers["postgres"].URL)
	r.nats = servers["nats"].URL
	u := r.up()
	for _, folder := range r.folders {
		p := r.midImport()
		servers[folder].Stop(r.T)
		r.copy(folder)
		servers[folder].Start(r.T)
		<-p.gone
	}
	p := r.midImport()
	for _, folder := range r.folders {
		servers[folder].Stop(r.T)
		r.putBack(folder)
		servers[folder].Start(r.T)
	}
	<-p.gone
	r.Logf("import %v\n%s", p.cmd.ProcessState, p.err.text())
	r.imports(input(r.T).files)
	r.proves()
	u.stop()
}

// midImport starts an import, and returns when it is at work, or has ended.
func (r *restore) midImport() *process {
	r.Helper()
	reached := r.midway(1 + r.random.Int64N(20))
	p := r.start("", importOf(r.someFiles())...)
	select {
	case <-reached:
	case <-p.gone:
	}
	return p
}

func (r *restore) copy(folder string) {
	r.Helper()
	r.Logf("%s is copied", folder)
	if err := testenv.CopyTree(filepath.Join(r.data, folder), filepath.Join(r.copies, folder)); err != nil {
		r.Fatal(err)
	}
}

func (r *restore) putBack(folder string) {
	r.Helper()
	r.remove(folder)
	r.Logf("%s is put back", folder)
	if err := os.Rename(filepath.Join(r.copies, folder), filepath.Join(r.data, folder)); err != nil {
		r.Fatal(err)
	}
}

func (r *restore) remove(folder string) {
	r.Helper()
	r.Logf("%s is removed", folder)
	if err := os.RemoveAll(filepath.Join(r.data, folder)); err != nil {
		r.Fatal(err)
	}
}
