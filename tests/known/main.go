// Functions of the standard library that wasmvm may recognise, against plain code of this program, which it does not:
// random input, every alignment, lengths around the sizes of blocks.
package main

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
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

func plainCRC(in []byte, polynomial uint32) uint32 {
	crc := ^uint32(0)
	for _, c := range in {
		crc ^= uint32(c)
		for k := 0; k < 8; k++ {
			crc = crc>>1 ^ -(crc&1)&polynomial
		}
	}
	return ^crc
}

func checksums(in []byte) {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	for n := 0; n < 600; n += 1 + n/100 {
		for at := 0; at < 17; at++ {
			part := in[at : at+n]
			if crc32.ChecksumIEEE(part) != plainCRC(part, crc32.IEEE) ||
				crc32.Checksum(part, castagnoli) != plainCRC(part, crc32.Castagnoli) ||
				crc32.Checksum(part, crc32.MakeTable(crc32.Koopman)) != plainCRC(part, crc32.Koopman) {
				wrong("CRC-32 of %d bytes at %d", n, at)
			}
		}
	}
}

// The examples of FIPS 197, appendix C.
func blocks() {
	plain, _ := hex.DecodeString("00112233445566778899aabbccddeeff")
	for n, want := range map[int]string{16: "69c4e0d86a7b0430d8cdb78070b4c55a", 24: "dda97ca4864cdfe06eaf70a0ec0d7191",
		32: "8ea2b7ca516745bfeafc49904b496089"} {
		key := make([]byte, n)
		for i := range key {
			key[i] = byte(i)
		}
		b, _ := aes.NewCipher(key)
		out, back := make([]byte, 16), make([]byte, 16)
		b.Encrypt(out, plain)
		b.Decrypt(back, out)
		if hex.EncodeToString(out) != want || !bytes.Equal(back, plain) {
			wrong("AES with %d bits of key: %x, and back %x", 8*n, out, back)
		}
	}
}

// GCM's product, bit by bit: the first bit of the first byte is the lowest power.
func product(x, y [2]uint64) (z [2]uint64) {
	for k := 0; k < 128; k++ {
		if x[k/64]>>(63-k%64)&1 == 1 {
			z[0], z[1] = z[0]^y[0], z[1]^y[1]
		}
		out := y[1] & 1
		y[1], y[0] = y[1]>>1|y[0]<<63, y[0]>>1^out*(0xe1<<56)
	}
	return
}

// By one block after the other, and their sum by product.
func plainSeal(b cipher.Block, nonce, in, more []byte) []byte {
	var zero, mask, tag [16]byte
	b.Encrypt(zero[:], zero[:])
	h := [2]uint64{binary.BigEndian.Uint64(zero[:]), binary.BigEndian.Uint64(zero[8:])}
	out := make([]byte, len(in))
	for i := range in {
		if i%16 == 0 {
			b.Encrypt(mask[:], binary.BigEndian.AppendUint32(append([]byte{}, nonce...), uint32(i/16+2)))
		}
		out[i] = in[i] ^ mask[i%16]
	}
	all := append(append([]byte{}, more...), make([]byte, -len(more)&15)...)
	all = append(append(all, out...), make([]byte, -len(out)&15)...)
	all = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(all, uint64(len(more))*8), uint64(len(out))*8)
	var y [2]uint64
	for ; len(all) > 0; all = all[16:] {
		y = product([2]uint64{y[0] ^ binary.BigEndian.Uint64(all), y[1] ^ binary.BigEndian.Uint64(all[8:])}, h)
	}
	b.Encrypt(tag[:], append(append([]byte{}, nonce...), 0, 0, 0, 1))
	binary.BigEndian.PutUint64(mask[:], y[0])
	binary.BigEndian.PutUint64(mask[8:], y[1])
	for i := range tag {
		tag[i] ^= mask[i]
	}
	return append(out, tag[:]...)
}

func sealed(r *rand.Rand, in []byte) {
	for n := 0; n < 300; n += 1 + n/30 {
		b, _ := aes.NewCipher(in[n : n+16+8*(n%3)])
		g, _ := cipher.NewGCM(b)
		part, nonce, more := in[n%17:n%17+n], in[n:n+12], in[:r.Intn(40)]
		out := g.Seal(make([]byte, n%5), nonce, part, more)[n%5:]
		if !bytes.Equal(out, plainSeal(b, nonce, part, more)) {
			wrong("GCM of %d bytes: %x", n, out)
		}
		if back, err := g.Open(nil, nonce, out, more); err != nil || !bytes.Equal(back, part) {
			wrong("GCM of %d bytes opened: %v", n, err)
		}
		out[r.Intn(len(out))] ^= 1
		if _, err := g.Open(nil, nonce, out, more); err == nil {
			wrong("GCM of %d bytes opened though it was changed", n)
		}
		there, back := make([]byte, n&^15), make([]byte, n&^15)
		cipher.NewCBCEncrypter(b, in[:16]).CryptBlocks(there, part[:n&^15])
		cipher.NewCBCDecrypter(b, in[:16]).CryptBlocks(back, there)
		if !bytes.Equal(back, part[:n&^15]) {
			wrong("CBC of %d bytes", n)
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
	checksums(in)
	blocks()
	sealed(r, in)
	products(r)
	signature(in)
	fmt.Printf("%d sums, %d comparisons, %d bytes found\n", sums, equals, finds)
}
