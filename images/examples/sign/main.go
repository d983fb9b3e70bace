// Has each argument signed by a plug-in, and checks the signatures itself.
package main

import (
	"crypto/ed25519"
	"fmt"
	"os"
)

//go:wasmimport notary sign
func sign(message string, signature *[ed25519.SignatureSize]byte)

//go:wasmimport notary public_key
func publicKey(key *[ed25519.PublicKeySize]byte)

func main() {
	var key [ed25519.PublicKeySize]byte
	publicKey(&key)
	for _, message := range os.Args[1:] {
		var signature [ed25519.SignatureSize]byte
		sign(message, &signature)
		good := ed25519.Verify(key[:], []byte(message), signature[:])
		fmt.Printf("%s: signed %x..., %v\n", message, signature[:4], good)
	}
}
