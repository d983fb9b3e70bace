// dispatch is calls whose target is not known: interfaces, closures, and a small interpreter's switch.
package main

import (
	"fmt"

	"wasmvm.test/bench/size"
)

type shape interface{ area(scale int) int }
type square struct{ side int }
type rect struct{ w, h int }
type ring struct{ in, out int }

func (s square) area(k int) int { return s.side * s.side * k }
func (r *rect) area(k int) int  { return r.w * r.h * k }
func (r ring) area(k int) int   { return (r.out*r.out - r.in*r.in) * 3 * k }

const (
	opPush = iota
	opAdd
	opMul
	opDup
	opJumpLess
	opPop
)

type instruction struct{ op, arg int }

func interpret(code []instruction, limit int) int {
	stack := make([]int, 0, 16)
	acc := 0
	for pc, steps := 0, 0; pc < len(code); steps++ {
		in := code[pc]
		pc++
		switch in.op {
		case opPush:
			stack = append(stack, in.arg)
		case opAdd:
			n := len(stack)
			stack[n-2] += stack[n-1]
			stack = stack[:n-1]
		case opMul:
			n := len(stack)
			stack[n-2] = stack[n-2] * stack[n-1] & 0xffffff
			stack = stack[:n-1]
		case opDup:
			stack = append(stack, stack[len(stack)-1])
		case opPop:
			acc += stack[len(stack)-1]
			stack = stack[:len(stack)-1]
		case opJumpLess:
			if steps < limit {
				pc = in.arg
			}
		}
	}
	return acc
}

func main() {
	shapes := []shape{square{3}, &rect{2, 5}, ring{1, 4}, square{7}, &rect{9, 1}}
	sum, n := 0, size.Of(60000000, 1000000)
	for i := 0; i < n; i++ {
		sum += shapes[i%5].area(i & 3)
	}
	steps := []func(int) int{}
	for k := 0; k < 7; k++ {
		k := k
		steps = append(steps, func(x int) int { return x*k + k + sum&1 })
	}
	x := 1
	for i := 0; i < n; i++ {
		x = steps[i%7](x) & 0xfffff
	}
	code := []instruction{{opPush, 3}, {opDup, 0}, {opMul, 0}, {opPush, 7}, {opAdd, 0}, {opPop, 0}, {opJumpLess, 0}}
	fmt.Println(sum, x, interpret(code, n))
}
