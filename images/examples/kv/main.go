// A key-value store on the command line: put KEY VALUE, get KEY, remove KEY, list, fill COUNT.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

//go:wasmimport kv get
func kvGet(key string, buf unsafe.Pointer, size uint32) int32

//go:wasmimport kv put
func kvPut(key, value string) int32

//go:wasmimport kv remove
func kvRemove(key string) int32

//go:wasmimport kv next
func kvNext(key string, buf unsafe.Pointer, size uint32) int32

var (
	errNone   = errors.New("no such key")
	errFailed = errors.New("the store failed")
)

func status(n int32) error {
	switch n {
	case -1:
		return errNone
	case -2:
		return errFailed
	}
	return nil
}

// fetch asks again with more room where a first buffer was too small.
func fetch(ask func(string, unsafe.Pointer, uint32) int32, key string) (string, error) {
	for buf := make([]byte, 64); ; {
		n := ask(key, unsafe.Pointer(unsafe.SliceData(buf)), uint32(len(buf)))
		if n < 0 {
			return "", status(n)
		}
		if int(n) <= len(buf) {
			return string(buf[:n]), nil
		}
		buf = make([]byte, n)
	}
}

func list() error {
	for key := ""; ; {
		var err error
		if key, err = fetch(kvNext, key); err == errNone {
			return nil
		} else if err != nil {
			return err
		}
		value, err := fetch(kvGet, key)
		if err != nil {
			return err
		}
		fmt.Printf("%s = %s\n", key, value)
	}
}

// fill puts so many keys and gets each of them back.
func fill(count int) error {
	for i := range count {
		key, value := fmt.Sprintf("key %05d", i), fmt.Sprint(i*i)
		if err := status(kvPut(key, value)); err != nil {
			return err
		}
		if got, err := fetch(kvGet, key); err != nil || got != value {
			return fmt.Errorf("%s: %q, %v", key, got, err)
		}
	}
	return nil
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "put":
		return status(kvPut(args[1], args[2]))
	case len(args) == 2 && args[0] == "get":
		value, err := fetch(kvGet, args[1])
		if err == nil {
			fmt.Println(value)
		}
		return err
	case len(args) == 2 && args[0] == "remove":
		return status(kvRemove(args[1]))
	case len(args) == 1 && args[0] == "list":
		return list()
	case len(args) == 2 && args[0] == "fill":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return fill(count)
	}
	return errors.New("put KEY VALUE, get KEY, remove KEY, list, or fill COUNT")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kv:", err)
		os.Exit(1)
	}
}
