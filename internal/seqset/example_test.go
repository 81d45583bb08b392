package seqset_test

import (
	"fmt"

	"github.com/agrichat/agrichat/internal/seqset"
)

func ExampleSet() {
	var stored seqset.Set
	stored.Add(1, 100)
	stored.Add(104, 120)
	fmt.Println(stored, stored.Has(102))
	// What is to be backfilled:
	fmt.Println(stored.Missing(1, 110))
	stored.Union(seqset.Of(101, 102, 103))
	fmt.Println(stored, stored.Len())
	// Output:
	// {[1,101),[104,121)} false
	// {[101,104)}
	// {[1,121)} 120
}

func ExampleParse() {
	s, err := seqset.Parse("{[1,4),[7,8)}")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, span := range s.Spans() {
		fmt.Println(span.First, span.Last)
	}
	// Output:
	// 1 3
	// 7 7
}
