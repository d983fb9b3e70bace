// grpc is a gRPC server, and the load for it: grpc serve ADDRESS, or grpc load ADDRESS SECONDS CALLS CONNECTIONS.
//
// The load keeps so many calls in flight and prints how many were answered, how many a second, and the time in
// microseconds within which 99 % of them were.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func serve(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	return server.Serve(l)
}

func caller(client grpc_health_v1.HealthClient, until time.Time) (took []time.Duration, err error) {
	for now := time.Now(); now.Before(until); {
		if _, err = client.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
			return nil, err
		}
		then := now
		now = time.Now()
		took = append(took, now.Sub(then))
	}
	return took, nil
}

func load(address string, seconds, calls, connections int) error {
	var all []time.Duration
	var mu sync.Mutex
	var wait sync.WaitGroup
	var failed error
	clients := make([]grpc_health_v1.HealthClient, connections)
	for i := range clients {
		conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		clients[i] = grpc_health_v1.NewHealthClient(conn)
	}
	began := time.Now()
	for i := range calls {
		wait.Add(1)
		go func() {
			defer wait.Done()
			took, err := caller(clients[i%connections], began.Add(time.Duration(seconds)*time.Second))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				failed = err
			}
		}()
	}
	wait.Wait()
	if failed != nil {
		return failed
	}
	spent := time.Since(began).Seconds()
	slices.Sort(all)
	fmt.Printf("%d %.1f %d\n", len(all), float64(len(all))/spent, all[len(all)*99/100].Microseconds())
	return nil
}

func main() {
	if os.Args[1] == "serve" {
		log.Fatal(serve(os.Args[2]))
	}
	var numbers []int
	for _, word := range os.Args[3:] {
		n, err := strconv.Atoi(word)
		if err != nil {
			log.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	if err := load(os.Args[2], numbers[0], numbers[1], numbers[2]); err != nil {
		log.Fatal(err)
	}
}
