// json encodes and decodes records by reflection.
package main

import (
	"crypto/md5"
	"encoding/json"
	"fmt"

	"wasmvm.test/bench/size"
)

type item struct {
	ID    int               `json:"id"`
	Name  string            `json:"name"`
	Price float64           `json:"price"`
	Tags  []string          `json:"tags,omitempty"`
	Attrs map[string]string `json:"attrs"`
	Sub   *item             `json:"sub,omitempty"`
}

func main() {
	var items []item
	for i := 0; i < size.Of(2000, 200); i++ {
		items = append(items, item{i, fmt.Sprintf("item %d \"quoted\" é", i), float64(i) * 1.37, []string{"a", "bb", "ccc"},
			map[string]string{"colour": "red", "size": fmt.Sprint(i % 7)}, &item{ID: -i, Name: "sub"}})
	}
	var data []byte
	for round := 0; round < size.Of(12, 3); round++ {
		var err error
		if data, err = json.Marshal(items); err != nil {
			panic(err)
		}
		items = nil
		if err = json.Unmarshal(data, &items); err != nil {
			panic(err)
		}
	}
	var generic any
	json.Unmarshal(data, &generic)
	fmt.Printf("%d %d %x\n", len(data), len(generic.([]any)), md5.Sum(data))
}
