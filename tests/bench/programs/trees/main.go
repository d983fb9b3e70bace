// trees builds and drops binary trees: the allocator and the garbage collector.
package main

import (
	"fmt"

	"wasmvm.test/bench/size"
)

type node struct{ left, right *node }

func build(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{build(depth - 1), build(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func main() {
	depth := size.Of(16, 12)
	long := build(depth)
	for d := 4; d <= depth; d += 4 {
		n := 1 << (depth - d + 4)
		sum := 0
		for i := 0; i < n; i++ {
			sum += build(d).count()
		}
		fmt.Println(n, d, sum)
	}
	fmt.Println(long.count())
}
