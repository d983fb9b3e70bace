// nbody moves five bodies under gravity: double floats, square roots, small arrays.
package main

import (
	"fmt"
	"math"

	"wasmvm.test/bench/size"
)

type body struct{ x, y, z, vx, vy, vz, mass float64 }

const (
	solar = 4 * math.Pi * math.Pi
	year  = 365.24
)

var bodies = []body{
	{0, 0, 0, 0, 0, 0, solar},
	{4.84143144246472, -1.16032004402743, -0.103622044471123, 0.00166007664274404 * year, 0.00769901118419740 * year,
		-0.0000690460016972063 * year, 0.000954791938424327 * solar},
	{8.34336671824458, 4.12479856412430, -0.403523417114321, -0.00276742510726412 * year, 0.00499852801234917 * year,
		0.0000230417297573764 * year, 0.000285885980666131 * solar},
	{12.8943695621391, -15.1111514016986, -0.223307578892656, 0.00296460137564762 * year, 0.00237847173959481 * year,
		-0.0000296589568540238 * year, 0.0000436624404335156 * solar},
	{15.3796971148509, -25.9193146099880, 0.179258772950371, 0.00268067772490389 * year, 0.00162824170038242 * year,
		-0.0000951592254519716 * year, 0.0000515138902046611 * solar},
}

func step(dt float64) {
	for i := range bodies {
		a := &bodies[i]
		for j := i + 1; j < len(bodies); j++ {
			b := &bodies[j]
			dx, dy, dz := a.x-b.x, a.y-b.y, a.z-b.z
			d2 := dx*dx + dy*dy + dz*dz
			mag := dt / (d2 * math.Sqrt(d2))
			a.vx -= dx * b.mass * mag
			a.vy -= dy * b.mass * mag
			a.vz -= dz * b.mass * mag
			b.vx += dx * a.mass * mag
			b.vy += dy * a.mass * mag
			b.vz += dz * a.mass * mag
		}
	}
	for i := range bodies {
		b := &bodies[i]
		b.x += dt * b.vx
		b.y += dt * b.vy
		b.z += dt * b.vz
	}
}

func energy() (e float64) {
	for i, a := range bodies {
		e += 0.5 * a.mass * (a.vx*a.vx + a.vy*a.vy + a.vz*a.vz)
		for _, b := range bodies[i+1:] {
			dx, dy, dz := a.x-b.x, a.y-b.y, a.z-b.z
			e -= a.mass * b.mass / math.Sqrt(dx*dx+dy*dy+dz*dz)
		}
	}
	return e
}

func main() {
	steps := size.Of(6000000, 100000)
	for i := 0; i < steps; i++ {
		step(0.001)
	}
	fmt.Printf("%.9f\n", energy())
}
