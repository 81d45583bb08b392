package recovery

import (
	"testing"

	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestRanges(t *testing.T) {
	t.Parallel()
	span := func(spans ...[2]uint64) (s seqset.Set) {
		for _, sp := range spans {
			s.Add(sp[0], sp[1])
		}
		return s
	}
	for name, c := range map[string]struct {
		missing seqset.Set
		want    []seqset.Set
	}{
		"none":                           {span(), nil},
		"one":                            {span([2]uint64{5, 9}), []seqset.Set{span([2]uint64{5, 9})}},
		"near ones are read in one":      {span([2]uint64{1, 2}, [2]uint64{66, 70}), []seqset.Set{span([2]uint64{1, 2}, [2]uint64{66, 70})}},
		"distant ones are read each":     {span([2]uint64{1, 2}, [2]uint64{67, 70}), []seqset.Set{span([2]uint64{1, 2}), span([2]uint64{67, 70})}},
		"the distance counts from ends":  {span([2]uint64{1, 1000}, [2]uint64{1064, 1064}), []seqset.Set{span([2]uint64{1, 1000}, [2]uint64{1064, 1064})}},
		"what is near is near the last":  {span([2]uint64{1, 1}, [2]uint64{60, 60}, [2]uint64{120, 120}), []seqset.Set{span([2]uint64{1, 1}, [2]uint64{60, 60}, [2]uint64{120, 120})}},
		"distant from both of its sides": {span([2]uint64{1, 1}, [2]uint64{99, 99}, [2]uint64{199, 199}), []seqset.Set{span([2]uint64{1, 1}), span([2]uint64{99, 99}), span([2]uint64{199, 199})}},
	} {
		t.Run(name, func(t *testing.T) {
			got := ranges(c.missing)
			if len(got) != len(c.want) {
				t.Fatalf("%v, want %v", got, c.want)
			}
			for i := range got {
				if got[i].String() != c.want[i].String() {
					t.Errorf("range %d is %s, want %s", i, &got[i], &c.want[i])
				}
			}
		})
	}
}
