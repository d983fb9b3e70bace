// client talks to real servers with the libraries that people use: client COMMAND ADDRESS.  It prints what came back;
// errors go to stdout, with status 1.  The same program, built natively, is the other side of gRPC.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// nginx: pages, a range, one that is not there, an upload that is refused, 20 requests at a time over one client.
func nginx(ctx context.Context, address string) {
	client := &http.Client{Transport: &http.Transport{DialContext: dialContext, MaxIdleConnsPerHost: 20}}
	get := func(path, header string) (int, []byte) {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+path, nil)
		check(err)
		if header != "" {
			req.Header.Set("Range", header)
		}
		resp, err := client.Do(req)
		check(err)
		body, err := io.ReadAll(resp.Body)
		check(err)
		resp.Body.Close()
		return resp.StatusCode, body
	}
	status, body := get("/small.txt", "")
	fmt.Printf("%d %q\n", status, body)
	status, body = get("/big.bin", "")
	fmt.Printf("%d %d %x\n", status, len(body), sha256.Sum256(body))
	status, body = get("/big.bin", "bytes=5-14")
	fmt.Printf("%d %x\n", status, body)
	status, _ = get("/none", "")
	fmt.Println(status)
	var all sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for i := 0; i < 20; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 50; j++ {
				_, body := get("/small.txt", "")
				mu.Lock()
				total += len(body)
				mu.Unlock()
			}
		}()
	}
	all.Wait()
	fmt.Println("total", total)
}

// redisClient: values, a pipeline, a list, what is missing, publish and subscribe, a large value.
func redisClient(ctx context.Context, address string) {
	db := redis.NewClient(&redis.Options{Addr: address, Dialer: dialContext, DisableIndentity: true})
	defer db.Close()
	check(db.Set(ctx, "greeting", "hello", time.Minute).Err())
	text, err := db.Get(ctx, "greeting").Result()
	check(err)
	_, missing := db.Get(ctx, "none").Result()
	fmt.Println(text, missing == redis.Nil)
	pipe := db.Pipeline()
	for i := 0; i < 1000; i++ {
		pipe.Incr(ctx, "counter")
	}
	done, err := pipe.Exec(ctx)
	check(err)
	fmt.Println(len(done), done[999].(*redis.IntCmd).Val())
	big := strings.Repeat("0123456789abcdef", 1<<16)
	check(db.Set(ctx, "big", big, 0).Err())
	back, err := db.Get(ctx, "big").Result()
	check(err)
	fmt.Println(len(back), back == big)
	sub := db.Subscribe(ctx, "news")
	_, err = sub.Receive(ctx)
	check(err)
	check(db.Publish(ctx, "news", "something").Err())
	message, err := sub.ReceiveMessage(ctx)
	check(err)
	fmt.Println(message.Channel, message.Payload)
}

// postgres: a table, a transaction, a copy, an error by its code, a cancelled query.
func postgres(ctx context.Context, address string) {
	config, err := pgx.ParseConfig("postgres://test@" + address + "/postgres?sslmode=disable")
	check(err)
	config.DialFunc = dialContext
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	db, err := pgx.ConnectConfig(ctx, config)
	check(err)
	defer db.Close(ctx)
	_, err = db.Exec(ctx, "create temp table t (id int primary key, name text, at timestamptz default now())")
	check(err)
	rows := make([][]any, 1000)
	for i := range rows {
		rows[i] = []any{i, fmt.Sprint("name ", i)}
	}
	n, err := db.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"id", "name"}, pgx.CopyFromRows(rows))
	check(err)
	var name string
	check(db.QueryRow(ctx, "select name from t where id = $1", 500).Scan(&name))
	var sum int64
	check(db.QueryRow(ctx, "select sum(id) from t where name like $1", "name 9%").Scan(&sum))
	fmt.Println(n, name, sum)
	tx, err := db.Begin(ctx)
	check(err)
	_, err = tx.Exec(ctx, "delete from t")
	check(err)
	check(tx.Rollback(ctx))
	_, err = db.Exec(ctx, "insert into t values (1, 'again')")
	fmt.Println(strings.Contains(fmt.Sprint(err), "SQLSTATE 23505"))
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = db.Exec(short, "select pg_sleep(20)")
	fmt.Println(err != nil, short.Err())
}

func grpcCall(ctx context.Context, address string) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return dialContext(ctx, "tcp", address)
		}))
	check(err)
	defer conn.Close()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "test"})
	check(err)
	fmt.Println(answer.Status)
	_, err = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "none"})
	fmt.Println(err)
}

// grpcServe serves health checks until it is killed.
func grpcServe(_ context.Context, address string) {
	l, err := listen("tcp", address)
	check(err)
	fmt.Println("listening", l.Addr())
	server, checks := grpc.NewServer(), health.NewServer()
	checks.SetServingStatus("test", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, checks)
	check(server.Serve(l))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	commands := map[string]func(context.Context, string){"nginx": nginx, "redis": redisClient, "postgres": postgres,
		"grpc": grpcCall, "grpcserve": grpcServe}
	commands[os.Args[1]](ctx, os.Args[2])
}
