// A wasmvm plug-in in Go: signs for a module that never sees the key.
//
//	wasmvm --plugin-exec notary='./notary 32-BYTE-SEED' app.wasm
package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 || len(os.Args[1]) != ed25519.SeedSize {
		fmt.Fprintln(os.Stderr, "notary: give a seed of 32 bytes")
		os.Exit(2)
	}
	key := ed25519.NewKeyFromSeed([]byte(os.Args[1]))
	public := key.Public().(ed25519.PublicKey)

	sign := func(p *Plugin, args []uint64) (uint64, error) {
		message, err := p.Read(args[0], args[1])
		if err != nil {
			return 0, errors.New("the message is not in memory")
		}
		return 0, p.Write(args[2], ed25519.Sign(key, message))
	}
	publicKey := func(p *Plugin, args []uint64) (uint64, error) {
		return 0, p.Write(args[0], public)
	}
	err := Serve("notary", "1.0", []Function{
		{"sign", "iii:", sign},
		{"public_key", "i:", publicKey},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "notary:", err)
		os.Exit(1)
	}
}
