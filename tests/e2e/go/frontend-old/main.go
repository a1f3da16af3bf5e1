// frontend-old is the Dockerfile frontend as it was before BuildKit could resolve sources: it does not see that
// capability, and so calls ResolveImageConfig.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/builder"
	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/util/apicaps"
	caps "github.com/moby/buildkit/util/apicaps/pb"
	"github.com/moby/buildkit/util/appcontext"
	"google.golang.org/grpc"

	"refkit/e2e/internal/stdio"
)

func main() {
	if err := stdio.Run(appcontext.Context(), builder.Build, withoutSourceMeta); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func withoutSourceMeta(
	ctx context.Context, method string, request, answer any,
	connection *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	err := call(ctx, method, request, answer, connection, options...)
	if pong, ok := answer.(*gateway.PongResponse); ok {
		pong.FrontendAPICaps = slices.DeleteFunc(pong.FrontendAPICaps, func(cap *caps.APICap) bool {
			return apicaps.CapID(cap.ID) == gateway.CapSourceMetaResolver
		})
	}
	return err
}
