// tiny is what TinyGo's users write: goroutines over channels, select, timers, JSON, maps, a panic.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

type point struct {
	X, Y  int
	Name  string            `json:"name"`
	Marks map[string]string `json:"marks,omitempty"`
}

// squares sends numbers through a pipeline of three goroutines and collects them.
func squares() {
	numbers, results := make(chan int), make(chan int, 4)
	var group sync.WaitGroup
	for w := 0; w < 3; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := range numbers {
				time.Sleep(time.Duration(10-n%10) * time.Millisecond / 10)
				results <- n * n
			}
		}()
	}
	go func() {
		for n := 0; n < 100; n++ {
			numbers <- n
		}
		close(numbers)
		group.Wait()
		close(results)
	}()
	sum, count := 0, 0
	for r := range results {
		sum += r
		count++
	}
	fmt.Println("squares", count, sum)
}

func timeout() {
	never, tick := make(chan int), time.NewTimer(5*time.Millisecond)
	select {
	case <-never:
		fmt.Println("never")
	case <-tick.C:
		fmt.Println("timeout")
	}
}

func jsons() {
	in := point{3, -4, "a\u00e9\"", map[string]string{"k": "v"}}
	text, err := json.Marshal(in)
	var out point
	fmt.Println(string(text), err, json.Unmarshal(text, &out), out.Name == in.Name && out.Marks["k"] == "v")
	var tree map[string]any
	err = json.Unmarshal([]byte(`{"a":[1,2.5,{"b":null}],"c":true}`), &tree)
	fmt.Println(tree["a"].([]any)[1], tree["c"], err)
	fmt.Println(json.Unmarshal([]byte(`{"X":"no"}`), &out) != nil)
}

func words() {
	counts := map[string]int{}
	for _, w := range strings.Fields("b a c b a b") {
		counts[w]++
	}
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return counts[keys[i]] > counts[keys[j]] })
	fmt.Println(keys, fmt.Sprintf("%05.2f %q %x", 3.14159, "q", 255))
	fmt.Println(errors.Is(fmt.Errorf("outer: %w", os.ErrNotExist), os.ErrNotExist))
}

func main() {
	if len(os.Args) > 1 {
		var list []int
		if os.Args[1] == "index" {
			fmt.Println(list[len(os.Args)])
		}
		panic("deliberate")
	}
	squares()
	timeout()
	jsons()
	words()
}
