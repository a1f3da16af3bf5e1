// Package stdio runs a frontend over its standard streams, as grpcclient.RunFromEnvironment does, with an interceptor
// around every call.
package stdio

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// maxMessage is the largest answer that is taken, 16 MiB, as BuildKit's own client has it.
const maxMessage = 16 << 20

// Run serves one build.
func Run(ctx context.Context, build client.BuildFunc, around grpc.UnaryClientInterceptor) error {
	connection, err := grpc.NewClient("passthrough:///stdio",
		grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(grpcerrors.UnaryClientInterceptor, around),
		grpc.WithStreamInterceptor(grpcerrors.StreamClientInterceptor),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
	)
	if err != nil {
		return err
	}
	var workers []client.WorkerInfo
	_ = json.Unmarshal([]byte(os.Getenv("BUILDKIT_WORKERS")), &workers) // none, as in BuildKit's own client
	session, product := os.Getenv("BUILDKIT_SESSION_ID"), os.Getenv("BUILDKIT_EXPORTEDPRODUCT")
	c, err := grpcclient.New(ctx, Options(), session, product, gateway.NewLLBBridgeClient(connection), workers)
	if err != nil {
		return err
	}
	return c.Run(ctx, build)
}

// Options returns the build's options, each of which is in the environment as BUILDKIT_FRONTEND_OPT_N=NAME=VALUE.
func Options() map[string]string {
	options := map[string]string{}
	for _, variable := range os.Environ() {
		if variable, ok := strings.CutPrefix(variable, "BUILDKIT_FRONTEND_OPT_"); ok {
			_, option, _ := strings.Cut(variable, "=")
			name, value, _ := strings.Cut(option, "=")
			options[name] = value
		}
	}
	return options
}

// dial returns one end of a pipe whose other end is the standard streams.
func dial(context.Context, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		_, _ = io.Copy(far, os.Stdin)
		_ = far.Close()
	}()
	go func() {
		_, _ = io.Copy(os.Stdout, far)
	}()
	return near, nil
}
