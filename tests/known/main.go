// Functions of the standard library that wasmvm may recognise, against plain code of this program, which it does not:
// random input, every alignment, lengths around the sizes of blocks.
package main

import (
	"bytes"
	"crypto"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/rand"
	"os"
	"strings"
)

// The rounds' constants: 32 bits of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
func constants() (k [64]uint32) {
	n := 0
	for p := 2; n < 64; p++ {
		prime := true
		for q := 2; q*q <= p; q++ {
			prime = prime && p%q != 0
		}
		if prime {
			_, part := math.Modf(math.Cbrt(float64(p)))
			k[n] = uint32(part * (1 << 32))
			n++
		}
	}
	return
}

var k = constants()

func plainSum(in []byte) (out [32]byte) {
	h := [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}
	m := append(append([]byte{}, in...), 0x80)
	for len(m)%64 != 56 {
		m = append(m, 0)
	}
	m = binary.BigEndian.AppendUint64(m, uint64(len(in))*8)
	for ; len(m) > 0; m = m[64:] {
		var w [64]uint32
		for i := range w {
			if i < 16 {
				w[i] = binary.BigEndian.Uint32(m[4*i:])
				continue
			}
			a, b := w[i-15], w[i-2]
			w[i] = w[i-16] + w[i-7] + (bits.RotateLeft32(a, -7) ^ bits.RotateLeft32(a, -18) ^ a>>3) +
				(bits.RotateLeft32(b, -17) ^ bits.RotateLeft32(b, -19) ^ b>>10)
		}
		s := h
		for i := range w {
			e, a := s[4], s[0]
			t := s[7] + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)) +
				(e&s[5] ^ ^e&s[6]) + k[i] + w[i]
			u := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) +
				(a&s[1] ^ a&s[2] ^ s[1]&s[2])
			s = [8]uint32{t + u, s[0], s[1], s[2], s[3] + t, s[4], s[5], s[6]}
		}
		for i := range h {
			h[i] += s[i]
		}
	}
	for i, v := range h {
		binary.BigEndian.PutUint32(out[4*i:], v)
	}
	return
}

func plainEqual(a, b []byte) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func plainCompare(a, b []byte) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			if a[i] < b[i] {
				return -1
			}
			return 1
		}
	}
	switch {
	case len(a) < len(b):
		return -1
	case len(a) > len(b):
		return 1
	}
	return 0
}

func plainIndex(a []byte, c byte) int {
	for i := range a {
		if a[i] == c {
			return i
		}
	}
	return -1
}

func plainCount(a []byte, c byte) (n int) {
	for i := range a {
		if a[i] == c {
			n++
		}
	}
	return
}

func wrong(format string, args ...any) {
	fmt.Printf("wrong: "+format+"\n", args...)
	os.Exit(1)
}

// Products and sums of random numbers, held against their remainders modulo small primes, and their digits.
func products(r *rand.Rand) {
	for n := 1; n < 2000; n += 1 + n/8 {
		x := new(big.Int).Rand(r, new(big.Int).Lsh(big.NewInt(1), uint(n)))
		y := new(big.Int).Rand(r, new(big.Int).Lsh(big.NewInt(1), uint(3*n)))
		z := new(big.Int).Mul(x, y)
		for _, p := range []int64{65521, 2147483647, 4294967291} {
			m := big.NewInt(p)
			a, b, c := new(big.Int).Mod(x, m).Uint64(), new(big.Int).Mod(y, m).Uint64(), new(big.Int).Mod(z, m).Uint64()
			if a*b%uint64(p) != c {
				wrong("product of %d bits modulo %d", n, p)
			}
		}
		if again, ok := new(big.Int).SetString(z.String(), 10); !ok || again.Cmp(z) != 0 {
			wrong("digits of %d bits", n)
		}
	}
}

// By keys of both kinds of size: with a loop of their own in crypto/internal/bigmod, and without.
func signature(in []byte) {
	for _, bits := range []int{1024, 1088, 2048} {
		key, err := rsa.GenerateKey(crand.Reader, bits)
		if err != nil {
			wrong("key: %v", err)
		}
		sum := sha256.Sum256(in)
		signed, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signed) != nil {
			wrong("signature of %d bits: %v", bits, err)
		}
	}
}

func main() {
	r := rand.New(rand.NewSource(1))
	in, other := make([]byte, 4096), make([]byte, 4096)
	r.Read(in)
	sums, equals, finds := 0, 0, 0
	for at := 0; at < 70; at++ {
		for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 127, 128, 129, 191, 192, 1000, r.Intn(3000)} {
			if sha256.Sum256(in[at:at+n]) != plainSum(in[at:at+n]) {
				wrong("sha256 of %d bytes at %d", n, at)
			}
			h := sha256.New()
			h.Write(in[at : at+n/3])
			h.Write(in[at+n/3 : at+n])
			if sum := plainSum(in[at : at+n]); !bytes.Equal(h.Sum(nil), sum[:]) {
				wrong("sha256 in two of %d bytes at %d", n, at)
			}
			sums++
		}
	}
	for n := 1; n < 300; n++ {
		for at := 0; at < 17; at++ {
			a, b := in[at:at+n], other[20-at:20-at+n]
			copy(b, a)
			if !bytes.Equal(a, b) {
				wrong("equal of %d bytes at %d", n, at)
			}
			b[r.Intn(n)] ^= byte(1 << r.Intn(8))
			if bytes.Equal(a, b) != plainEqual(a, b) {
				wrong("not equal of %d bytes at %d", n, at)
			}
			less := b[:n-r.Intn(n+1)/2]
			if bytes.Compare(a, b) != plainCompare(a, b) || bytes.Compare(a, less) != plainCompare(a, less) ||
				bytes.Compare(less, a) != plainCompare(less, a) {
				wrong("compare of %d bytes at %d", n, at)
			}
			equals++
			for _, c := range []byte{0, b[n/2], b[n-1], byte(r.Intn(256))} {
				if bytes.IndexByte(b, c) != plainIndex(b, c) || bytes.IndexByte(less, c) != plainIndex(less, c) {
					wrong("the byte %#x in %d bytes at %d", c, n, at)
				}
				if bytes.Count(b, []byte{c}) != plainCount(b, c) || strings.Count(string(less), string([]byte{c})) !=
					plainCount([]byte(string(less)), c) && c < 128 {
					wrong("the count of the byte %#x in %d bytes at %d", c, n, at)
				}
				finds++
			}
		}
	}
	products(r)
	signature(in)
	fmt.Printf("%d sums, %d comparisons, %d bytes found\n", sums, equals, finds)
}
